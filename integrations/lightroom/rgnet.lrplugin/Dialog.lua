--[[ The menu items: choose a file, show what would change, write if asked to. ]]

local LrApplication = import 'LrApplication'
local LrDialogs = import 'LrDialogs'
local LrFileUtils = import 'LrFileUtils'
local LrFunctionContext = import 'LrFunctionContext'
local LrProgressScope = import 'LrProgressScope'
local LrTasks = import 'LrTasks'

local Plan = require 'Plan'
local Scores = require 'Scores'

local Dialog = {}

local function chooseFile()
	local files = LrDialogs.runOpenPanel {
		title = 'Scores: the file of  rgnet export --output scores.json',
		canChooseFiles = true,
		canChooseDirectories = false,
		allowsMultipleSelection = false,
		fileTypes = { 'json', 'jsonl' },
	}
	return files and files[1]
end

local function readScores(file)
	local readable, records = pcall(function() return Scores.read(LrFileUtils.readFile(file) or '') end)
	if readable and #records > 0 then return records end
	local reason = readable and 'it holds no photo with a score' or tostring(records)
	LrDialogs.message('This file cannot be used.', file .. ': ' .. reason, 'warning')
	return nil
end

local function makePlan(context, catalog, records, kind)
	local progress = LrProgressScope { title = 'rgnet: looking for photos', functionContext = context }
	progress:setCancelable(true)
	local plan = Plan.make(catalog, records, kind, function(share)
		progress:setPortionComplete(share)
		LrTasks.yield()
		return not progress:isCanceled()
	end)
	progress:done()
	return plan
end

local function write(catalog, plan, kind)
	local done
	local status = catalog:withWriteAccessDo('rgnet: ' .. kind.name, function()
		done = Plan.apply(plan, kind)
	end, { timeout = 60 })
	if status == 'executed' then
		LrDialogs.message(string.format('%d photos have new %s.', done, kind.name), 'Edit > Undo takes them back.', 'info')
	else
		LrDialogs.message('Nothing was written.', 'Lightroom is busy with another change: try again.', 'warning')
	end
end

function Dialog.run(kind)
	LrFunctionContext.postAsyncTaskWithContext('rgnet', function(context)
		LrDialogs.attachErrorDialogToFunctionContext(context)
		local file = chooseFile()
		local records = file and readScores(file)
		if not records then return end
		local catalog = LrApplication.activeCatalog()
		local plan = makePlan(context, catalog, records, kind)
		if not plan then return end
		local described = Plan.describe(plan, kind)
		if #plan.changes == 0 then
			LrDialogs.message('Nothing to change.', described, 'info')
		elseif LrDialogs.confirm('Nothing has been changed yet.', described, 'Write', 'Cancel') == 'ok' then
			write(catalog, plan, kind)
		end
	end)
end

return Dialog
