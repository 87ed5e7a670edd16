-- A darktable that only notes what a script asks of it: lua darktable.lua SCRIPT FOLDER
local made, said, lines = {}, {}, {}
local code = tonumber(arg[3] or "0")
local darktable = {
  configuration = { running_os = "linux" },
  preferences = { register = function() end, read = function() return "/opt/my tools/deepfuse" end },
  new_widget = function(kind)
    return function(values)
      if kind == "combobox" then values.value = values[values.selected] end
      return values
    end
  end,
  print = function(text) table.insert(said, text) end,
  control = { execute = function(line) table.insert(lines, line) return code end },
  database = { import = function(path)
    return { group_with = function(_, image) table.insert(lines, path .. " with " .. image.filename) end }
  end },
  register_storage = function(_, _, store, finalize, supported) made = { store, finalize, supported } end,
  destroy_storage = function() end,
}
package.preload["darktable"] = function() return darktable end
dofile(arg[1])
local folder = arg[2]
local function image(name) return { path = folder, filename = name } end
assert(made[3](nil, { extension = "TIF" }) and not made[3](nil, { extension = "exr" }))
made[1](nil, image("it's b.raw"), nil, nil, 1, 2)
local files = { folder .. "/e'x1.tif", folder .. "/ex2.tif" }
for _, path in ipairs(files) do io.open(path, "w"):close() end
made[2](nil, { [image("it's b.raw")] = files[1], [image("a.raw")] = files[2] })
made[2](nil, { [image("a.raw")] = files[2] })
for _, path in ipairs(files) do assert(not io.open(path)) end
for _, line in ipairs(lines) do print(line) end
print(said[#said])
