--[[ What would change in Lightroom's catalogue, and the change itself. Only what is empty is ever set. ]]

local Plan = {}

-- Lightroom shows a raw file and the JPEG beside it as one photo, under the name of the raw file
local RAW = { 'NEF', 'CR2', 'CR3', 'ARW', 'RAF', 'DNG', 'ORF', 'RW2', 'PEF', 'SRW', 'NRW' }

local function findPhoto(catalog, path)
	local photo = catalog:findPhotoByPath(path)
	if photo then return photo end
	local stem, suffix = path:match('^(.*)%.(%w+)$')
	if not suffix or not ('jpg jpeg heic heif hif'):find(suffix:lower(), 1, true) then return nil end
	for _, raw in ipairs(RAW) do
		photo = catalog:findPhotoByPath(stem .. '.' .. raw) or catalog:findPhotoByPath(stem .. '.' .. raw:lower())
		if photo then return photo end
	end
	return nil
end

--[[ Photos to set, and how many records are not in the catalogue, have a mark that is kept, or get none.
step: called with the share that is done; false ends it, and the result is nil ]]
function Plan.make(catalog, records, kind, step)
	local plan = { changes = {}, kept = 0, missing = 0, none = 0 }
	for index, record in ipairs(records) do
		local photo, value = findPhoto(catalog, record.path), kind.wanted(record)
		if not photo then
			plan.missing = plan.missing + 1
		elseif value == nil then
			plan.none = plan.none + 1
		elseif not kind.isEmpty(photo) then
			plan.kept = plan.kept + 1
		else
			plan.changes[#plan.changes + 1] = { photo = photo, value = value }
		end
		if step(index / #records) == false then return nil end
	end
	return plan
end

-- Within write access: sets what is still empty, and returns how many that were
function Plan.apply(plan, kind)
	local done = 0
	for _, change in ipairs(plan.changes) do
		if kind.isEmpty(change.photo) then
			kind.set(change.photo, change.value)
			done = done + 1
		end
	end
	return done
end

function Plan.describe(plan, kind)
	return string.format(
		'%d photos get %s.\n%d already have them and stay as they are.\n%d get none.\n%d are not in this catalogue.',
		#plan.changes, kind.name, plan.kept, plan.none, plan.missing
	)
end

return Plan
