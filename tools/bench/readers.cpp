#include <benchmark/benchmark.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>

#include <jpeglib.h>  // needs <cstdio>

#include "streams/cifar.h"
#include "streams/frame_list.h"
#include "streams/idx.h"
#include "streams/image_file.h"
#include "streams/image_folder.h"
#include "streams/stl10.h"
#include "tools/bench/synthetic.h"
#include "tools/report/png.h"

/// Images read in a second by one thread: data sets in their official layouts, files decoded and resized, a folder
/// loaded, frames of a list rendered. The files are written here, into a temporary folder, and so are in the system's
/// cache.
namespace saccade::bench {
namespace {

namespace fs = std::filesystem;

class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string pattern = (fs::temp_directory_path() / "saccade-bench-XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no temporary folder");
    path = pattern;
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    fs::remove_all(path, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  fs::path path;
};

/// Neither noise, which no photograph is, nor flat: slopes with a little noise on them.
Picture photograph(int height, int width) {
  const std::vector<float> grain = synthetic_floats(static_cast<std::size_t>(height * width * 3), 0, 16);
  Picture picture{height, width, 3, {}};
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x)
      for (int c = 0; c < 3; ++c)
        picture.bytes.push_back(
            static_cast<std::uint8_t>(40 * c + 80 * y / height + 70 * x / width +
                                      static_cast<int>(grain[static_cast<std::size_t>((y * width + x) * 3 + c)])));
  return picture;
}

std::vector<std::uint8_t> encode_jpeg(const Picture& picture) {
  jpeg_compress_struct jpeg{};
  jpeg_error_mgr errors{};
  jpeg.err = jpeg_std_error(&errors);
  jpeg_create_compress(&jpeg);
  unsigned char* memory = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest(&jpeg, &memory, &size);
  jpeg.image_height = static_cast<JDIMENSION>(picture.height);
  jpeg.image_width = static_cast<JDIMENSION>(picture.width);
  jpeg.input_components = 3;
  jpeg.in_color_space = JCS_RGB;
  jpeg_set_defaults(&jpeg);
  jpeg_set_quality(&jpeg, 90, TRUE);
  jpeg_start_compress(&jpeg, TRUE);
  while (jpeg.next_scanline < jpeg.image_height) {
    auto* row =
        const_cast<JSAMPROW>(picture.bytes.data()) + jpeg.next_scanline * static_cast<std::size_t>(picture.width) * 3;
    jpeg_write_scanlines(&jpeg, &row, 1);
  }
  jpeg_finish_compress(&jpeg);
  jpeg_destroy_compress(&jpeg);
  std::vector<std::uint8_t> file(memory, memory + size);
  std::free(memory);
  return file;
}

void write(const fs::path& file, const std::vector<std::uint8_t>& bytes) {
  fs::create_directories(file.parent_path());
  std::ofstream(file, std::ios::binary)
      .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
}

void count_images(benchmark::State& state, std::size_t images) {
  state.counters["images/s"] =
      benchmark::Counter(static_cast<double>(images), benchmark::Counter::kIsIterationInvariantRate);
}

/// Bytes that are labels and pixels at once.
std::vector<std::uint8_t> small_bytes(std::size_t count) {
  std::vector<std::uint8_t> bytes(count);
  for (std::size_t i = 0; i < count; ++i) bytes[i] = static_cast<std::uint8_t>(i % 10);
  return bytes;
}

/// 10,000 records of CIFAR-10: planes to pixels.
void load_cifar10_file(benchmark::State& state) {
  const TemporaryFolder folder;
  const CifarFile layout;
  write(folder.path / "batch.bin", small_bytes(layout.records * (layout.label_bytes + 3072)));
  for (auto _ : state) {
    ImageSet images{"cifar10", 32, 32, 3, {}, {}, {}};
    append_cifar(folder.path / "batch.bin", layout, layout.records, images);
    benchmark::DoNotOptimize(images.pixels.data());
  }
  count_images(state, layout.records);
}
BENCHMARK(load_cifar10_file)->Unit(benchmark::kMillisecond);

/// 1,000 images of STL-10, 96x96: column-major planes to pixels.
void load_stl10_file(benchmark::State& state) {
  constexpr std::size_t images = 1000;
  const TemporaryFolder folder;
  write(folder.path / "X.bin", small_bytes(images * 27648));
  for (auto _ : state) benchmark::DoNotOptimize(read_stl10_images(folder.path / "X.bin", 0).pixels.data());
  count_images(state, images);
}
BENCHMARK(load_stl10_file)->Unit(benchmark::kMillisecond);

/// 10,000 images of 28x28 in an IDX file that is not compressed.
void load_idx_file(benchmark::State& state) {
  constexpr std::size_t images = 10'000;
  const TemporaryFolder folder;
  std::vector<std::uint8_t> file{0, 0, 8, 3, 0, 0, images >> 8, images & 255, 0, 0, 0, 28, 0, 0, 0, 28};
  const std::vector<std::uint8_t> pixels = small_bytes(images * 784);
  file.insert(file.end(), pixels.begin(), pixels.end());
  write(folder.path / "images", file);
  for (auto _ : state) benchmark::DoNotOptimize(read_idx(folder.path / "images", 3).data.data());
  count_images(state, images);
}
BENCHMARK(load_idx_file)->Unit(benchmark::kMillisecond);

/// A file of height x width pixels to 32x32; a file of that size is decoded alone.
void read_file(benchmark::State& state, std::vector<std::uint8_t> (*encode)(const Picture&)) {
  const TemporaryFolder folder;
  const auto height = static_cast<int>(state.range(0)), width = static_cast<int>(state.range(1));
  const fs::path file = folder.path / "image";
  write(file, encode(photograph(height, width)));
  for (auto _ : state) benchmark::DoNotOptimize(resized(read_image(file, 3), 32, 32).bytes.data());
  count_images(state, 1);
}
void sizes(benchmark::internal::Benchmark* b) {
  b->ArgNames({"height", "width"})->ArgsProduct({{32}, {32}})->Args({375, 500});
}
BENCHMARK_CAPTURE(read_file, png, encode_png)->Apply(sizes);
BENCHMARK_CAPTURE(read_file, jpeg, encode_jpeg)->Apply(sizes);

/// 1,000 PNGs of 32x32.
void load_folder(benchmark::State& state) {
  constexpr int images = 1000;
  const TemporaryFolder folder;
  const std::vector<std::uint8_t> file = encode_png(photograph(32, 32));
  for (int i = 0; i < images; ++i) write(folder.path / "set" / std::to_string(i % 10) / std::to_string(i), file);
  const FolderOptions options{.path = "set"};
  for (auto _ : state) benchmark::DoNotOptimize(load_image_folder(folder.path, options, 0, {1}).train.pixels.data());
  count_images(state, images);
}
BENCHMARK(load_folder)->Unit(benchmark::kMillisecond);

/// Frames of 240x320 to 64x64.
void frame_list(benchmark::State& state) {
  constexpr int frames = 100;
  const TemporaryFolder folder;
  const std::vector<std::uint8_t> file = encode_jpeg(photograph(240, 320));
  std::string list = "time,object,view,path\n";
  for (int i = 0; i < frames; ++i) {
    const std::string name = std::to_string(i) + ".jpg";
    write(folder.path / name, file);
    list += std::to_string(i) + "," + std::to_string(i / 5) + "," + std::to_string(i % 5) + "," + name + "\n";
  }
  write(folder.path / "frames.csv", {list.begin(), list.end()});
  FrameListStream stream(folder.path / "frames.csv", {{64, 64, 3}, Fit::crop, 0});
  for (auto _ : state) {
    stream.seek(0);
    while (const auto event = stream.next()) benchmark::DoNotOptimize(event->key.time);
  }
  count_images(state, frames);
}
BENCHMARK(frame_list)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace saccade::bench
