--[[ A stand-in for Lightroom: the part of its SDK that the plug-in uses, as the SDK's reference describes it.

lua5.1 lightroom_sdk.lua PLUGIN ITEM SCORES ANSWER < photos     a menu item on a catalogue; ANSWER: ok or cancel
lua5.1 lightroom_sdk.lua PLUGIN json < text                     what the decoder makes of a text

Photos are lines of path, rating, flag, colour and words between tabs; they are printed likewise at the end, after
lines that begin with "message". rated_meanwhile in ANSWER's place rates every photo while the question is shown.
]]

local plugin, item, scores, answer = unpack(arg)
package.path = plugin .. '/?.lua'

local function show(value, null)
	if value == null then return 'null' end
	if type(value) == 'string' then return '"' .. value:gsub('.', function(c) return ('%02x'):format(c:byte()) end) .. '"' end
	if type(value) == 'number' then return ('%.17g'):format(value) end
	if type(value) ~= 'table' then return tostring(value) end
	local parts = {}
	if #value > 0 or next(value) == nil then
		for index, each in ipairs(value) do parts[index] = show(each, null) end
		return '[' .. table.concat(parts, ',') .. ']'
	end
	for key, each in pairs(value) do parts[#parts + 1] = show(key, null) .. ':' .. show(each, null) end
	table.sort(parts)
	return '{' .. table.concat(parts, ',') .. '}'
end

if item == 'json' then
	local Json = require 'Json'
	local readable, values = pcall(Json.decodeAll, io.read('*a'))
	print(readable and show(values, Json.null) or 'error: ' .. values)
	return
end

local Photo = {}
Photo.__index = Photo
function Photo:getRawMetadata(key)
	assert(key == 'rating' or key == 'pickStatus' or key == 'colorNameForLabel', key)
	return self[key]
end
function Photo:getFormattedMetadata(key)
	assert(key == 'label', key)
	return self[key]
end
local writable = false
function Photo:setRawMetadata(key, value)
	assert(writable, 'outside of write access')
	assert(self:getRawMetadata(key) ~= value, 'set to what it was')
	self[key] = value
	if key == 'colorNameForLabel' then self.label = value end
end

local photos, byPath = {}, {}
for line in io.lines() do
	local path, rating, flag, colour, words = line:match('^(.-)\t(.-)\t(.-)\t(.-)\t(.-)$')
	local photo = setmetatable({ path = path, label = words, colorNameForLabel = colour }, Photo)
	photo.rating, photo.pickStatus = tonumber(rating), tonumber(flag)
	photos[#photos + 1], byPath[path] = photo, photo
end

local catalog = {}
function catalog:findPhotoByPath(path) return byPath[path] end
function catalog:withWriteAccessDo(name, change, options)
	assert(type(name) == 'string' and options.timeout)
	if answer == 'busy' then return 'aborted' end
	writable = true
	change()
	writable = false
	return 'executed'
end

local function message(...) print('message', (table.concat({ ... }, ' | '):gsub('\n', ' '))) end

local stubs = {
	LrApplication = { activeCatalog = function() return catalog end },
	LrDialogs = {
		runOpenPanel = function() return scores ~= '' and { scores } or nil end,
		message = function(text, info) message(text, info) end,
		confirm = function(text, info, verb, cancel)
			message(text, info, verb, cancel)
			if answer == 'rated_meanwhile' then
				for _, photo in ipairs(photos) do photo.rating = 1 end
			end
			return answer == 'cancel' and 'cancel' or 'ok'
		end,
		attachErrorDialogToFunctionContext = function() end,
	},
	LrFileUtils = {
		readFile = function(path)
			local file = assert(io.open(path, 'rb'))
			local text = file:read('*a')
			file:close()
			return text
		end,
	},
	LrFunctionContext = { postAsyncTaskWithContext = function(_, task) task({}) end },
	LrProgressScope = setmetatable({}, { __call = function()
		return {
			setCancelable = function() end,
			setPortionComplete = function() end,
			isCanceled = function() return answer == 'stopped' end,
			done = function() end,
		}
	end }),
	LrTasks = { yield = function() end },
}
function import(name) return assert(stubs[name], name) end

local function printed(value) return value == nil and '' or tostring(value) end
dofile(plugin .. '/' .. item)
for _, photo in ipairs(photos) do
	print(photo.path, printed(photo.rating), printed(photo.pickStatus), printed(photo.colorNameForLabel), printed(photo.label))
end
