--[[ What rgnet exported, and what a photo gets for it. What a person said in rgnet comes before its score. ]]

local Json = require 'Json'

local Scores = {}

-- As `rgnet rate`: the percentiles from which photos get 2, 3, 4 and 5 stars
local CUTS = { 10, 35, 65, 90 }
local LABELS = { [1] = 'red', [4] = 'yellow', [5] = 'green' }
local COLOURS = { red = true, yellow = true, green = true, blue = true, purple = true }

-- The records of a file's text that are of a photo with a score. Raises an error of one line.
function Scores.read(text)
	local scored = {}
	local function add(record)
		if type(record) ~= 'table' or type(record.path) ~= 'string' then
			error('expected rows that rgnet exported, with a path each', 0)
		end
		if type(record.percentile) == 'number' then scored[#scored + 1] = record end
	end
	for _, value in ipairs(Json.decodeAll(text)) do
		if type(value) == 'table' and value.path == nil and (#value > 0 or next(value) == nil) then
			for _, record in ipairs(value) do add(record) end
		else
			add(value)
		end
	end
	return scored
end

local function starsFor(record)
	if record.stars then return record.stars end
	local stars = 1
	for _, cut in ipairs(CUTS) do
		if record.percentile >= cut then stars = stars + 1 end
	end
	return stars
end

local function flagFor(record)
	if record.pick then return record.pick == 'rejected' and -1 or 1 end
	return starsFor(record) == 5 and 1 or nil
end

local function labelFor(record)
	if COLOURS[record.colour] then return record.colour end
	return LABELS[starsFor(record)]
end

--[[ The kinds of mark. wanted: of a record, nil for none; isEmpty: whether a photo in Lightroom has none yet;
set: gives it one; name: for messages ]]
Scores.kinds = {
	stars = {
		name = 'stars',
		wanted = starsFor,
		isEmpty = function(photo) return (photo:getRawMetadata('rating') or 0) == 0 end,
		set = function(photo, value) photo:setRawMetadata('rating', value) end,
	},
	flags = {
		name = 'flags',
		wanted = flagFor,
		isEmpty = function(photo) return (photo:getRawMetadata('pickStatus') or 0) == 0 end,
		set = function(photo, value) photo:setRawMetadata('pickStatus', value) end,
	},
	labels = {
		name = 'colour labels',
		wanted = labelFor,
		-- A label may be words of a person's own, which have no colour
		isEmpty = function(photo)
			local colour, words = photo:getRawMetadata('colorNameForLabel'), photo:getFormattedMetadata('label')
			return (not colour or colour == '' or colour == 'none' or colour == 'grey') and (not words or words == '')
		end,
		set = function(photo, value) photo:setRawMetadata('colorNameForLabel', value) end,
	},
}

return Scores
