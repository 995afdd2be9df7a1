--[[ Decodes JSON: one value, or values one after the other as in JSON Lines.

null is nil as a member of an object, and Json.null in an array. Errors name the byte where they were found.
]]

local Json = { null = setmetatable({}, { __tostring = function() return 'null' end }) }

local DEEPEST = 100
local ESCAPES = { ['"'] = '"', ['\\'] = '\\', ['/'] = '/', b = '\b', f = '\f', n = '\n', r = '\r', t = '\t' }
local WORDS = { ['true'] = true, ['false'] = false, null = Json.null }

local decodeValue

local function fail(at, expected)
	error(string.format('byte %d: expected %s', at, expected), 0)
end

local function skipSpace(text, at)
	return text:find('[^ \t\r\n]', at) or #text + 1
end

local function encodeUtf8(code)
	if code < 0x80 then
		return string.char(code)
	elseif code < 0x800 then
		return string.char(0xC0 + math.floor(code / 0x40), 0x80 + code % 0x40)
	elseif code < 0x10000 then
		return string.char(0xE0 + math.floor(code / 0x1000), 0x80 + math.floor(code / 0x40) % 0x40, 0x80 + code % 0x40)
	end
	return string.char(
		0xF0 + math.floor(code / 0x40000),
		0x80 + math.floor(code / 0x1000) % 0x40,
		0x80 + math.floor(code / 0x40) % 0x40,
		0x80 + code % 0x40
	)
end

-- The character of \uXXXX at `at`, which is that of the backslash; two of them where they are a surrogate pair
local function decodeUnicode(text, at)
	local high = tonumber(text:match('^\\u(%x%x%x%x)', at) or fail(at, 'four hexadecimal digits'), 16)
	if high < 0xD800 or high > 0xDBFF then
		return encodeUtf8(high), at + 6
	end
	local low = tonumber(text:match('^\\u([dD][c-fC-F]%x%x)', at + 6) or '', 16)
	if not low then
		return encodeUtf8(high), at + 6
	end
	return encodeUtf8(0x10000 + (high - 0xD800) * 0x400 + low - 0xDC00), at + 12
end

local function decodeString(text, at)
	local parts, start = {}, at + 1
	while true do
		local stop = text:find('["\\%c]', start) or fail(#text + 1, 'the end of a string')
		parts[#parts + 1] = text:sub(start, stop - 1)
		local char = text:sub(stop, stop)
		if char == '"' then
			return table.concat(parts), stop + 1
		elseif char ~= '\\' then
			if char ~= '\127' then fail(stop, 'no control character in a string') end
			parts[#parts + 1], start = char, stop + 1
		elseif text:sub(stop + 1, stop + 1) == 'u' then
			parts[#parts + 1], start = decodeUnicode(text, stop)
		else
			parts[#parts + 1] = ESCAPES[text:sub(stop + 1, stop + 1)] or fail(stop, 'an escape')
			start = stop + 2
		end
	end
end

local function decodeNumber(text, at)
	local whole = text:match('^-?0', at)
	if not whole or text:match('^-?0%d', at) then
		whole = text:match('^-?[1-9]%d*', at) or fail(at, 'a value')
	end
	local stop = at + #whole
	stop = stop + #(text:match('^%.%d+', stop) or '')
	stop = stop + #(text:match('^[eE][+-]?%d+', stop) or '')
	return tonumber(text:sub(at, stop - 1)), stop
end

-- Members or elements between `at`, a bracket, and the closing one; `add` decodes one and returns where it ends
local function decodeList(text, at, closing, add)
	at = skipSpace(text, at + 1)
	if text:sub(at, at) == closing then
		return at + 1
	end
	while true do
		at = skipSpace(text, add(at))
		local char = text:sub(at, at)
		if char == closing then
			return at + 1
		elseif char ~= ',' then
			fail(at, "',' or '" .. closing .. "'")
		end
		at = skipSpace(text, at + 1)
	end
end

local function decodeArray(text, at, depth)
	local array, value = {}, nil
	at = decodeList(text, at, ']', function(start)
		value, start = decodeValue(text, start, depth)
		array[#array + 1] = value
		return start
	end)
	return array, at
end

local function decodeObject(text, at, depth)
	local object, key, value = {}, nil, nil
	at = decodeList(text, at, '}', function(start)
		if text:sub(start, start) ~= '"' then fail(start, 'a name') end
		key, start = decodeString(text, start)
		start = skipSpace(text, start)
		if text:sub(start, start) ~= ':' then fail(start, "':'") end
		value, start = decodeValue(text, skipSpace(text, start + 1), depth)
		if value == Json.null then value = nil end
		object[key] = value
		return start
	end)
	return object, at
end

function decodeValue(text, at, depth)
	if depth > DEEPEST then fail(at, 'at most ' .. DEEPEST .. ' brackets inside each other') end
	local char = text:sub(at, at)
	if char == '{' then return decodeObject(text, at, depth + 1) end
	if char == '[' then return decodeArray(text, at, depth + 1) end
	if char == '"' then return decodeString(text, at) end
	local word = text:match('^%l+', at)
	if word and WORDS[word] ~= nil then return WORDS[word], at + #word end
	return decodeNumber(text, at)
end

-- All values of a text, in a list. Raises an error of one line.
function Json.decodeAll(text)
	local values, at = {}, skipSpace(text, text:sub(1, 3) == '\239\187\191' and 4 or 1)
	while at <= #text do
		values[#values + 1], at = decodeValue(text, at, 1)
		at = skipSpace(text, at)
	end
	return values
end

return Json
