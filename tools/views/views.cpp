#include "tools/views/views.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/error.h"
#include "engine/file_system.h"
#include "streams/stream.h"
#include "streams/world/world.h"
#include "tools/experiment/setup.h"
#include "tools/replace_file.h"
#include "tools/report/picture_grid.h"
#include "tools/run/run_folder.h"
#include "tools/views/film_strip.h"

namespace saccade {
namespace {

constexpr int longest = 10000;        // views that are looked at, at most
constexpr int most_frames = 600;      // of the animation
constexpr double most_bytes = 512e6;  // of pictures in memory
constexpr int comfortable = 64;       // pixels: a view is enlarged to about this

/// The first views that the sheet or the strip shows, in order and with pixels.
std::vector<View> views_to_show(RenderableStream& stream, const ViewsRequest& request, const ViewShape& shape,
                                int factor) {
  std::vector<View> views;
  int frames = 0;
  // A cell of the sheet or the strip; the strip's frames each show `columns` of them.
  const double cell = 3.0 * shape.height * shape.width * factor * factor;
  const auto check_room = [&] {
    const double bytes = static_cast<double>(views.size()) * (cell + static_cast<double>(shape.values()) * 4) +
                         (static_cast<double>(frames) + request.fixations) * request.columns * cell;
    if (bytes > most_bytes)
      throw InputError(fmt::format(
          "views: the pictures would take more than {:.0f} MB of memory ({} views of {}x{} pixels, {} times "
          "enlarged); expected a smaller --scale, --seconds, --columns or --fixations",
          most_bytes / 1e6, views.size(), shape.height, shape.width, factor));
  };
  check_room();
  for (int seen = 0; seen < longest;) {
    const auto next = stream.next_recipe();
    if (!next) break;
    if (!std::holds_alternative<View>(next->event)) continue;
    ++seen;
    View view = std::get<View>(next->event);
    const bool row = view.fixation < static_cast<std::uint64_t>(request.fixations);
    const bool frame = to_seconds(view.time) < request.seconds && frames < most_frames;
    if (!row && !frame) break;
    frames += frame;
    if (!frame && view.index >= static_cast<std::uint32_t>(request.columns)) continue;
    stream.render_pixels(view);
    views.push_back(std::move(view));
    check_room();
  }
  if (views.empty()) throw InputError("views: the stream has no view");
  return views;
}

Picture contact_sheet(const std::vector<View>& views, const ViewShape& shape, const ViewsRequest& request) {
  int rows = 0, columns = 0;
  const auto shown = [&](const View& view) {
    return view.fixation < static_cast<std::uint64_t>(request.fixations) &&
           view.index < static_cast<std::uint32_t>(request.columns);
  };
  for (const View& view : views) {
    if (!shown(view)) continue;
    rows = std::max(rows, static_cast<int>(view.fixation) + 1);
    columns = std::max(columns, static_cast<int>(view.index) + 1);
  }
  PictureGrid grid(rows, columns, shape, views.front().recipe.kind);
  for (const View& view : views)
    if (shown(view)) grid.put(static_cast<int>(view.fixation), static_cast<int>(view.index), view.pixels->data());
  return grid.take();
}

/// The classes of the stream's objects; none where they are not known.
std::vector<std::int32_t> labels_of(const Experiment& experiment, const DataSet& data) {
  if (experiment.data == Experiment::Data::none) return {};
  const auto source = view_source(experiment, data);
  return {source->labels().begin(), source->labels().end()};
}

std::string table(const std::vector<View>& views, const std::vector<std::int32_t>& labels) {
  if (views.front().recipe.kind == ViewKind::world) {
    std::string text = "time,fixation,view," + factors_header() + "\n";
    for (const View& view : views)
      text += fmt::format("{},{},{},{}\n", to_seconds(view.time), view.fixation, view.index,
                          factors_row(world_factors(view.recipe)));
    return text;
  }
  std::string text = "time,fixation,view,object,label,kind,p0,p1,p2,p3,p4,p5,p6,p7,p8,p9,p10,p11\n";
  for (const View& view : views) {
    const ViewRecipe& recipe = view.recipe;
    text +=
        fmt::format("{},{},{},{},{},{}", to_seconds(view.time), view.fixation, view.index, recipe.source,
                    recipe.source < labels.size() ? std::to_string(labels[recipe.source]) : "", to_string(recipe.kind));
    for (const float parameter : recipe.parameters) text += fmt::format(",{}", parameter);
    text += '\n';
  }
  return text;
}

std::string_view text_of(const std::vector<std::uint8_t>& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace

int show_views(const ViewsRequest& request, const CommonFlags& flags) {
  if (!(request.seconds > 0)) throw InputError(fmt::format("--seconds {}: expected more than 0", request.seconds));
  if (flags.out.empty()) throw InputError("views: where should the pictures go? Give --out DIR");
  const Experiment experiment = load_experiment(request.experiment, flags.set);
  const DataSet data = load_experiment_data(experiment, data_folder(flags));
  const auto stream = event_stream(experiment, data);
  const NetworkSpec& network = experiment.network;
  const ViewShape shape{network.height, network.width, network.channels};
  const int factor = request.scale > 0 ? request.scale : std::max(1, (comfortable + shape.height - 1) / shape.height);
  const std::vector<View> views = views_to_show(*stream, request, shape, factor);

  std::vector<View> animated;
  for (const View& view : views)
    if (to_seconds(view.time) < request.seconds && animated.size() < most_frames) animated.push_back(view);
  const auto sheet = encode_png(enlarged(contact_sheet(views, shape, request), factor));
  const auto strip = encode_apng(film_strip(animated, shape, request.columns, factor, 1.0));
  const RunFolder folder = create_run_folder(flags.out);
  replace_file(folder.folder / "sheet.png", text_of(sheet));
  replace_file(folder.folder / "strip.png", text_of(strip));
  replace_file(folder.folder / "views.csv", table(views, labels_of(experiment, data)));
  if (!flags.quiet)
    fmt::print(
        "{}: {} views of {} fixations: sheet.png (a row a fixation), strip.png (animated, {:.3g} s), views.csv\n",
        flags.out.string(), views.size(), views.back().fixation + 1,
        to_seconds(animated.back().time - animated.front().time) + 1);
  return 0;
}

}  // namespace saccade
