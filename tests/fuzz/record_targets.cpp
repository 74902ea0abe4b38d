#include "engine/checkpoint.h"
#include "engine/error.h"
#include "engine/record_file.h"
#include "engine/recorder.h"
#include "engine/view_file.h"
#include "tests/engine/faulty_file_system.h"
#include "tests/engine/sample_checkpoint.h"
#include "tests/engine/sample_records.h"
#include "tests/fuzz/targets.h"

namespace saccade::fuzz {
namespace {

using testing::FaultyFileSystem;
using Content = ViewFileHeader::Content;

const std::filesystem::path file = "run/file";

/// Every byte of a file is in a record that was read, or is told as lost.
template <class Reader>
std::uint64_t lost(const Reader& reader) {
  std::uint64_t bytes = 0;
  for (const Damage& damage : reader.damage()) bytes += damage.bytes;
  return bytes;
}

void read_trace(FaultyFileSystem& files) {
  TraceReader reader(files, file);
  while (reader.next()) {
  }
  const std::uint64_t size = files.size(file);
  expect(reader.end() <= size, "an end beyond the file");
  expect(lost(reader) <= size, "more lost than there was");
  if (reader.damage().empty()) expect(reader.end() == size, "bytes that nobody read and nobody lost");
  Recorder(files, file, reader.end()).close();
  expect(files.size(file) == reader.end(), "a trace that is resumed at its end changes it");
}

void read_views(FaultyFileSystem& files) {
  ViewFileReader reader(files, file);
  const std::size_t values = reader.header().values();
  expect(values > 0 && values <= largest_view, "views of a size that is not allowed");
  while (const auto event = reader.next())
    if (const auto* view = std::get_if<View>(&*event); view && view->pixels)
      expect(view->pixels->size() == values, "a view of another size than the header says");
}

void read_checkpoint(FaultyFileSystem& files) {
  const Checkpoint loaded = load_checkpoint(files, file);
  for (const Tensor& tensor : loaded.tensors) expect(tensor.elements() == tensor.data.size(), "a tensor of wrong size");
  save_checkpoint(files, "run/again", loaded);
  expect(testing::same(load_checkpoint(files, "run/again"), loaded), "a checkpoint that changes when it is saved");
  expect(fingerprint(loaded).size() == 32, "no fingerprint");
}

template <void (*read)(FaultyFileSystem&)>
void whole_file(std::span<const std::uint8_t> input) {
  FaultyFileSystem files;
  files.put(file, {input.begin(), input.end()});
  read(files);
}

/// Payloads in records whose checksums are right: the way to the FlatBuffers, which a mutated file hardly finds. Byte 0
/// says which kind of file; each record is its type (1 byte), its length (2), its payload.
void payloads(std::span<const std::uint8_t> input) {
  if (input.empty()) return;
  const int kind = input[0] % 3;
  FaultyFileSystem files;
  {
    RecordWriter writer = RecordWriter::create(files, file, kind == 0 ? "trace" : kind == 1 ? "views" : "checkpoint");
    for (input = input.subspan(1); input.size() >= 3;) {
      const std::size_t length = std::min<std::size_t>(input[1] | input[2] << 8, input.size() - 3);
      writer.append(input[0], input.subspan(3, length));
      input = input.subspan(3 + length);
    }
  }
  kind == 0 ? read_trace(files) : kind == 1 ? read_views(files) : read_checkpoint(files);
}

Bytes content(void (*write)(FaultyFileSystem&)) {
  FaultyFileSystem files;
  write(files);
  return files.bytes(file);
}

std::vector<Bytes> traces() {
  return {content([](FaultyFileSystem& files) { testing::write_trace(files, file); })};
}
std::vector<Bytes> view_files() {
  return {content([](FaultyFileSystem& files) { testing::write_views(files, file, Content::recipes); }),
          content([](FaultyFileSystem& files) { testing::write_views(files, file, Content::pixels); })};
}
std::vector<Bytes> checkpoints() {
  return {content([](FaultyFileSystem& files) { save_checkpoint(files, file, testing::some_checkpoint()); })};
}

/// The records of those files, in the form that payloads() takes.
std::vector<Bytes> record_lists() {
  std::vector<Bytes> all;
  const char* const kinds[] = {"trace", "views", "checkpoint"};
  std::uint8_t kind = 0;
  for (const auto& list : {traces(), view_files(), checkpoints()}) {
    for (const Bytes& whole : list) {
      FaultyFileSystem files;
      files.put(file, whole);
      RecordReader reader(files, file, kinds[kind]);
      Bytes& input = all.emplace_back(Bytes{kind});
      while (const auto record = reader.next()) {
        const std::size_t length = record->payload.size();
        for (const std::size_t byte : {std::size_t{record->type}, length % 256, length / 256})
          input.push_back(static_cast<std::uint8_t>(byte));
        input.insert(input.end(), record->payload.begin(), record->payload.end());
      }
    }
    ++kind;
  }
  return all;
}

}  // namespace

std::vector<Target> record_targets() {
  return {{"trace", whole_file<read_trace>, traces},
          {"views", whole_file<read_views>, view_files},
          {"checkpoint", whole_file<read_checkpoint>, checkpoints},
          {"payloads", payloads, record_lists}};
}

}  // namespace saccade::fuzz
