#include <fmt/format.h>

#include <algorithm>

#include "streams/load.h"
#include "streams/views.h"
#include "streams/warp.h"
#include "tools/experiment/setup.h"
#include "tools/replace_file.h"
#include "tools/report/html.h"
#include "tools/report/picture_grid.h"
#include "tools/reproduce/figures.h"
#include "tools/run/run_folder.h"

namespace saccade {
namespace {

constexpr int columns = 10;

/// A sheet of pictures and the names of its columns (of its rows where there are no such names).
struct Sheet {
  Picture picture;
  std::vector<std::string> columns;
  std::string caption;
};

/// A deformation alone: everything else of the recipe is as if nothing had been done.
struct Single {
  const char* name;
  std::vector<std::size_t> places;  ///< of the recipe's parameters that stay as drawn
};

std::vector<Single> singles(ViewKind kind) {
  if (kind == ViewKind::crop_jitter)
    return {{"original", {}},
            {"crop", {recipe::crop_top, recipe::crop_left, recipe::crop_height, recipe::crop_width}},
            {"flip", {recipe::flip}},
            {"brightness", {recipe::brightness}},
            {"contrast", {recipe::contrast}},
            {"saturation", {recipe::saturation}},
            {"hue", {recipe::hue}},
            {"grey", {recipe::grey}}};
  if (cuts(kind))
    return {{"crop", {recipe::crop_top, recipe::crop_left, recipe::crop_height, recipe::crop_width}},
            {"flip", {recipe::flip}}};
  std::vector<Single> list{{"original", {}}, {"warp", {0, 1, 2, 3, 4, 5}}, {"flip", {recipe::flip}}};
  if (kind == ViewKind::affine_hsv) {
    list.push_back({"saturation", {recipe::saturation}});
    list.push_back({"hue", {recipe::hue}});
  }
  return list;
}

ViewRecipe neutral(const ViewRecipe& drawn, const ImageSet& images) {
  ViewRecipe still{drawn.kind, drawn.source, {}};
  if (cuts(drawn.kind)) {
    const ViewShape view = view_shape(drawn.kind, images);
    const bool whole = drawn.kind == ViewKind::crop_jitter;
    still.parameters[recipe::crop_height] = static_cast<float>(whole ? images.height : view.height);
    still.parameters[recipe::crop_width] = static_cast<float>(whole ? images.width : view.width);
    if (!whole) return still;
    for (std::size_t place : {recipe::brightness, recipe::contrast, recipe::saturation, recipe::jitter})
      still.parameters[place] = 1;
    return still;
  }
  std::copy(identity_warp.begin(), identity_warp.end(), still.parameters.begin() + recipe::warp_matrix);
  still.parameters[recipe::saturation] = drawn.kind == ViewKind::affine_hsv ? 1.0f : 0.0f;
  return still;
}

Sheet single_deformations(const Experiment& e, const ImageSet& images) {
  const std::vector<Single> list = singles(e.view.kind);
  constexpr int draws = 2, objects = 3;  // two draws of each deformation, so that its range shows
  Sheet sheet;
  PictureGrid grid(objects * draws, static_cast<int>(list.size()) + 1, view_shape(e.view.kind, images), e.view.kind);
  Pixels pixels(view_shape(e.view.kind, images).values());
  for (int row = 0; row < objects * draws; ++row) {
    ViewRecipe drawn;
    auto view = static_cast<std::uint32_t>(row % draws);
    do {  // a view that is jittered, where the kind jitters some
      drawn = draw_recipe(e.view.kind, static_cast<std::uint64_t>(e.seed), static_cast<std::uint32_t>(row / draws), 0,
                          view, Purpose::view_recipe, for_images(images, {.warp_probability = 1}));
      view += draws;
    } while (e.view.kind == ViewKind::crop_jitter && drawn.parameters[recipe::jitter] == 0);
    drawn.parameters[recipe::flip] = 1;
    for (std::size_t i = 0; i < list.size(); ++i) {
      ViewRecipe alone = neutral(drawn, images);
      for (std::size_t place : list[i].places) alone.parameters[place] = drawn.parameters[place];
      render(images, alone, pixels.data());
      grid.put(row, static_cast<int>(i), pixels.data());
    }
    render(images, drawn, pixels.data());
    grid.put(row, static_cast<int>(list.size()), pixels.data());
  }
  for (const Single& single : list) sheet.columns.push_back(single.name);
  sheet.columns.push_back("all");
  sheet.picture = grid.take();
  sheet.caption = fmt::format("Each deformation of {} alone, drawn {} times for each of {} images of {}.",
                              to_string(e.view.kind), draws, objects, images.name);
  return sheet;
}

/// How the probe deforms its test images.
ViewKind test_kind(const Experiment& e, const ImageSet& images) {
  const std::string asked = experiment_word(e, "probe.deformation");
  for (const ViewKind kind : {ViewKind::affine_hsv, ViewKind::affine, ViewKind::rotate_scale_shift})
    if (asked == to_string(kind)) return kind;
  if (e.view.kind == ViewKind::centre_crop) return ViewKind::random_crop_flip;
  if (e.view.kind != ViewKind::plain) return e.view.kind;
  return images.channels == 3 ? ViewKind::affine_hsv : ViewKind::affine;
}

/// What the linear probe is tested on: the test images, and below each the deformed one.
Sheet tested_images(const Experiment& e, const ImageSet& images) {
  constexpr int blocks = 3;
  const auto kind = test_kind(e, images);
  PictureGrid grid(2 * blocks, columns, view_shape(kind, images), kind);
  Pixels pixels(view_shape(kind, images).values());
  const auto seed = static_cast<std::uint64_t>(e.seed);
  const DrawOptions options =
      for_images(images, {.warp_probability = 1, .strength = static_cast<float>(e.probe.deformation_strength)});
  DrawOptions centred = options;
  centred.centred = true;
  for (std::uint32_t i = 0; i < std::min<std::size_t>(blocks * columns, images.size()); ++i) {
    const int row = 2 * static_cast<int>(i / columns), column = static_cast<int>(i % columns);
    render(images, draw_recipe(undeformed(kind, false), seed, i, 0, 0, Purpose::test_view, centred), pixels.data());
    grid.put(row, column, pixels.data());
    render(images, draw_recipe(kind, seed, i, 0, 0, Purpose::test_view, options), pixels.data());
    grid.put(row + 1, column, pixels.data());
  }
  return {
      grid.take(),
      {},
      fmt::format("Test images of {}: plain in odd rows, deformed ({}) in even rows.", images.name, to_string(kind))};
}

Sheet pairs_of_views(const Experiment& e, const ImageSet& images) {
  constexpr int blocks = 2;
  PictureGrid grid(2 * blocks, columns, view_shape(e.view.kind, images), e.view.kind);
  Pixels pixels(view_shape(e.view.kind, images).values());
  for (std::uint32_t i = 0; i < std::min<std::size_t>(blocks * columns, images.size()); ++i)
    for (std::uint32_t view = 0; view < 2; ++view) {
      render(images,
             draw_recipe(e.view.kind, static_cast<std::uint64_t>(e.seed), i, 0, view, Purpose::view_recipe,
                         for_images(images)),
             pixels.data());
      grid.put(static_cast<int>(2 * (i / columns) + view), static_cast<int>(i % columns), pixels.data());
    }
  return {
      grid.take(),
      {},
      fmt::format("Pairs of views of {} ({}): the second one below the first.", images.name, to_string(e.view.kind))};
}

std::string sheet_html(const std::string& name, const Sheet& sheet) {
  std::string header;
  for (const std::string& column : sheet.columns)
    header +=
        "<th style=\"padding:0 0 .2rem;border:0;font-weight:400;font-size:.8rem\">" + escape_html(column) + "</th>";
  if (!header.empty()) header = "<table style=\"width:100%;table-layout:fixed\"><tr>" + header + "</tr></table>";
  return fmt::format(
      "<figure><div style=\"max-width:{}px\">{}<img alt=\"{}\" style=\"display:block;width:100%\" "
      "src=\"{}\"></div><figcaption>{}</figcaption></figure>\n<p></p>\n",
      2 * sheet.picture.width, header, escape_html(name), png_data_uri(sheet.picture), escape_html(sheet.caption));
}

}  // namespace

std::string views_figure(const PresetTable& table, const std::vector<CellRun>& runs, const CommonFlags& flags) {
  std::string html;
  for (const CellRun& run : runs) {
    if (run.seed() != runs.front().seed()) continue;
    const Experiment& e = run.experiment();
    const std::string& show = run.cell().show;
    const DataSet data = show == "tested" ? load_data(data_name(probe_data(e)), flags.data, 1, folder_options(e))
                                          : load_experiment_data(e, flags.data);
    const Sheet sheet = show == "tested"   ? tested_images(e, data.test)
                        : show == "single" ? single_deformations(e, learned_images(e, data))
                                           : pairs_of_views(e, learned_images(e, data));
    const std::vector<std::uint8_t> png = encode_png(sheet.picture);
    const std::string file = table.cells.size() == 1 ? table.name : table.name + "-" + run.cell().name;
    replace_file(flags.out / (file + ".png"), {reinterpret_cast<const char*>(png.data()), png.size()});
    html += sheet_html(run.cell().name, sheet);
  }
  return html;
}

}  // namespace saccade
