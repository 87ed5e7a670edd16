--[[ darktable: fuse the selected exposures into one picture, as an export storage.

Copy it into darktable's folder lua/, add  require "deepfuse"  to luarc, and restart darktable. Select the frames of one
bracket, choose "fuse a bracket" in the export module, TIFF of 16 bits or float as the format, and export. The picture
goes beside the first frame, is imported, and is grouped with it. The program is set in preferences, Lua options.

License: Apache-2.0
]]

local dt = require "darktable"

local MODULE = "deepfuse"
local READ = { tif = true, tiff = true, png = true, jpg = true, jpeg = true, jxl = true, avif = true }
local LOOKS = { "neutral", "natural", "punchy", "real-estate", "night" }
local SUFFIXES = { "tif", "jpg", "png" }
local windows = dt.configuration.running_os == "windows"

dt.preferences.register(MODULE, "program", "string", "deepfuse: program",
  "the command, or its whole path", "deepfuse")

local function combobox(label, tooltip, values)
  return dt.new_widget("combobox") { label = label, tooltip = tooltip, selected = 1, table.unpack(values) }
end

local look = combobox("look", "how the picture looks", LOOKS)
local suffix = combobox("file", "of the fused picture", SUFFIXES)
local align = dt.new_widget("check_button") {
  label = "align", tooltip = "lay handheld frames on each other", value = true,
}
local panel = dt.new_widget("box") { orientation = "vertical", look, suffix, align }

-- One argument of a shell's command, whatever it holds.
local function quoted(text)
  if windows then
    return '"' .. text:gsub('"', "") .. '"'
  end
  return "'" .. text:gsub("'", "'\\''") .. "'"
end

local function exists(path)
  local file = io.open(path, "rb")
  if file then file:close() end
  return file ~= nil
end

-- A name beside the first frame that no file has.
local function free_name(image, extension)
  local stem = image.path .. (windows and "\\" or "/") .. image.filename:gsub("%.[^.]*$", "") .. "_fused"
  local path, count = stem .. "." .. extension, 1
  while exists(path) do
    path, count = ("%s_%02d.%s"):format(stem, count, extension), count + 1
  end
  return path
end

-- The frames in the order of their names; darktable hands them over in none.
local function in_order(exported)
  local images = {}
  for image in pairs(exported) do
    table.insert(images, image)
  end
  table.sort(images, function(one, other) return one.filename < other.filename end)
  return images
end

local function command(files, output)
  local words = { quoted(dt.preferences.read(MODULE, "program", "string")), "fuse" }
  for _, file in ipairs(files) do
    table.insert(words, quoted(file))
  end
  for _, word in ipairs { "-o", quoted(output), "--look", look.value } do
    table.insert(words, word)
  end
  if not align.value then
    table.insert(words, "--no-align")
  end
  local line = table.concat(words, " ")
  return windows and '"' .. line .. '"' or line
end

local function store(_, image, _, _, number, total)
  dt.print(("exporting %s (%d of %d)"):format(image.filename, number, total))
end

local function finalize(_, exported)
  local images, files = in_order(exported), {}
  for _, image in ipairs(images) do
    table.insert(files, exported[image])
  end
  if #files < 2 then
    dt.print("deepfuse: expected 2 or more exposures, got " .. #files)
  else
    local output = free_name(images[1], suffix.value)
    dt.print("fusing " .. #files .. " exposures")
    if dt.control.execute(command(files, output)) == 0 then
      dt.database.import(output):group_with(images[1])
      dt.print("fused: " .. output)
    else
      dt.print("deepfuse could not fuse them; darktable's terminal says why")
    end
  end
  for _, file in ipairs(files) do
    os.remove(file)
  end
end

local function supported(_, format)
  return READ[format.extension:lower()] or false
end

dt.register_storage(MODULE, "fuse a bracket", store, finalize, supported, nil, panel)

-- For darktable's script manager.
return { destroy = function() dt.destroy_storage(MODULE) end }
