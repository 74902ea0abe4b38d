#include "engine/checkpoint.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <set>

#include "engine/error.h"
#include "engine/record_file.h"
#include "engine/schemas/checkpoint_generated.h"
#include "tests/engine/faulty_file_system.h"
#include "tests/engine/sample_checkpoint.h"

namespace {

using namespace saccade;
using namespace saccade::testing;

const std::filesystem::path file = "run/weights.ckpt";

TEST_CASE("a checkpoint loads as it was saved, bit for bit") {
  FaultyFileSystem files;
  save_checkpoint(files, file, some_checkpoint());
  const Checkpoint loaded = load_checkpoint(files, file);
  CHECK(same(loaded, some_checkpoint()));
  CHECK(fingerprint(loaded) == fingerprint(some_checkpoint()));
  CHECK_FALSE(files.exists("run/weights.ckpt.tmp"));

  const Checkpoint nothing;
  save_checkpoint(files, file, nothing);
  CHECK(same(load_checkpoint(files, file), nothing));

  Checkpoint odd = some_checkpoint();
  odd.tensors[0].data[0] = std::numeric_limits<float>::quiet_NaN();
  save_checkpoint(files, file, odd);
  const Checkpoint loaded_odd = load_checkpoint(files, file);
  CHECK(std::isnan(loaded_odd.tensors[0].data[0]));
  CHECK(same(loaded_odd, odd));
  CHECK_FALSE(same(loaded_odd, some_checkpoint()));
}

TEST_CASE("empty lists load wherever they lie in a payload; elements that are not aligned are refused") {
  FaultyFileSystem files;
  for (std::size_t length = 0; length < 9; ++length) {
    CAPTURE(length);
    Checkpoint empty;
    empty.tensors.push_back({std::string(length, 'x'), {0}, {}});
    empty.integers.push_back({std::string(length, 'x'), {}});
    empty.reals.push_back({std::string(length, 'x'), {}});
    save_checkpoint(files, file, empty);
    CHECK(same(load_checkpoint(files, file), empty));
  }
  flatbuffers::FlatBufferBuilder builder, meta;
  builder.Finish(fb::CreateReals(builder, builder.CreateString("x"), builder.CreateVector(std::vector<double>{1, 2})));
  std::vector<std::uint8_t> payload(builder.GetBufferPointer(), builder.GetBufferPointer() + builder.GetSize());
  payload.insert(payload.begin() + 4, 4, 0);  // everything behind the root's offset moves by 4
  payload[0] = static_cast<std::uint8_t>(payload[0] + 4);
  meta.Finish(fb::CreateMeta(meta));
  RecordWriter writer = RecordWriter::create(files, file, "checkpoint");
  writer.append(1, {meta.GetBufferPointer(), meta.GetSize()});
  writer.append(4, payload);
  writer.close();
  CHECK_THROWS_WITH_AS(load_checkpoint(files, file), doctest::Contains("record type 4: its payload is not aligned"),
                       InputError);
}

TEST_CASE("what is missing is named") {
  const Checkpoint checkpoint = some_checkpoint();
  CHECK(checkpoint.find_tensor("conv.0.weight") == &checkpoint.tensors[0]);
  CHECK(checkpoint.find_tensor("conv.1.weight") == nullptr);
  CHECK(&checkpoint.tensor("scalar") == &checkpoint.tensors[2]);
  CHECK(checkpoint.integer_values("steps")[1] == -1);
  CHECK(checkpoint.real_values("clock")[0] == 0.1);
  CHECK_THROWS_WITH_AS(checkpoint.tensor("x"), "checkpoint: has no tensor \"x\"", InputError);
  CHECK_THROWS_WITH_AS(checkpoint.integer_values("x"), "checkpoint: has no integers \"x\"", InputError);
  CHECK_THROWS_WITH_AS(checkpoint.real_values("x"), "checkpoint: has no reals \"x\"", InputError);
}

TEST_CASE("the fingerprint changes with every kind of field, and only with those") {
  std::set<std::string> seen{fingerprint(some_checkpoint())};
  const auto differs = [&](auto change) {
    Checkpoint checkpoint = some_checkpoint();
    change(checkpoint);
    return seen.insert(fingerprint(checkpoint)).second;
  };
  CHECK(differs([](Checkpoint& c) { c.event = 8; }));
  CHECK(differs([](Checkpoint& c) { c.tensors[0].name = "conv.1.weight"; }));
  CHECK(differs([](Checkpoint& c) { c.tensors[0].shape = {2, 3, 1}; }));
  CHECK(differs([](Checkpoint& c) { c.tensors[0].data[3] = 0.0f; }));  // the sign of a zero
  CHECK(differs([](Checkpoint& c) { c.tensors[0].data[0] = std::numeric_limits<float>::quiet_NaN(); }));
  CHECK(differs([](Checkpoint& c) { std::swap(c.tensors[0], c.tensors[1]); }));
  CHECK(differs([](Checkpoint& c) { c.tensors.pop_back(); }));
  CHECK(differs([](Checkpoint& c) { c.integers[0].name = "step"; }));
  CHECK(differs([](Checkpoint& c) { c.integers[0].values[0] = 1; }));
  CHECK(differs([](Checkpoint& c) { c.integers[0].values.pop_back(); }));
  CHECK(differs([](Checkpoint& c) { c.reals[0].values[0] = std::nextafter(0.1, 1); }));
  CHECK(differs([](Checkpoint& c) { c.reals[0].name = "clocks"; }));
  CHECK(differs([](Checkpoint& c) { c.reals.clear(), c.tensors.clear(), c.integers.clear(); }));

  CHECK_FALSE(differs([](Checkpoint& c) { c.experiment = "seed = 2"; }));
  CHECK_FALSE(differs([](Checkpoint& c) { c.instruction_set = "avx512"; }));
  CHECK_FALSE(differs([](Checkpoint& c) { c.integers[1].values[0] = 5; }));
  CHECK_FALSE(differs([](Checkpoint& c) { c.integers.pop_back(); }));
  CHECK_FALSE(differs([](Checkpoint& c) { c.reals[1].values.clear(); }));

  CHECK(fingerprint(some_checkpoint()).size() == 32);
  // Fixed for good: a run of an earlier version must be comparable.
  CHECK(fingerprint(some_checkpoint()) == "68b5cc4324423aa54475f68f6b5972d2");
  CHECK(fingerprint({}) == "2c0a8a99dc147d5445c3b49d035665b2");
}

TEST_CASE("a file cut anywhere is refused, and so is every flipped bit") {
  FaultyFileSystem files;
  save_checkpoint(files, file, some_checkpoint());
  const auto whole = files.bytes(file);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    files.put(file, {whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size)});
    REQUIRE_THROWS_AS(load_checkpoint(files, file), InputError);
  }
  for (std::size_t byte = 0; byte < whole.size(); ++byte) {
    for (int bit = 0; bit < 8; ++bit) {
      auto changed = whole;
      changed[byte] = static_cast<std::uint8_t>(changed[byte] ^ (1 << bit));
      files.put(file, changed);
      REQUIRE_THROWS_AS(load_checkpoint(files, file), InputError);
    }
  }
}

TEST_CASE("whole records in the wrong number or order are refused") {
  FaultyFileSystem files;
  save_checkpoint(files, file, some_checkpoint());
  struct Copy {
    std::uint32_t type;
    std::vector<std::uint8_t> payload;
  };
  std::vector<Copy> records;
  RecordReader reader(files, file, "checkpoint");
  while (const auto record = reader.next()) {
    records.push_back({record->type, {record->payload.begin(), record->payload.end()}});
  }
  const auto refused = [&](const std::vector<Copy>& changed) {
    {
      auto writer = RecordWriter::create(files, file, "checkpoint");
      for (const Copy& record : changed) writer.append(record.type, record.payload);
    }
    try {
      load_checkpoint(files, file);
      return false;
    } catch (const InputError& error) {
      return std::string(error.what()).starts_with("run/weights.ckpt: position ");
    }
  };
  CHECK_FALSE(refused(records));
  CHECK(refused({}));
  for (std::size_t i = 0; i < records.size(); ++i) {
    CAPTURE(i);
    auto changed = records;
    changed.erase(changed.begin() + static_cast<std::ptrdiff_t>(i));
    CHECK(refused(changed));  // left out
    changed = records;
    changed.insert(changed.begin() + static_cast<std::ptrdiff_t>(i), records[i]);
    CHECK(refused(changed));  // twice
    if (i > 0) {
      changed = records;
      std::swap(changed[i], changed[i - 1]);
      CHECK(refused(changed));  // exchanged
    }
    changed = records;
    changed[i].type = 99;
    CHECK(refused(changed));
  }
}

TEST_CASE("sizes that someone made up allocate nothing") {
  FaultyFileSystem files;
  save_checkpoint(files, file, some_checkpoint());
  auto bytes = files.bytes(file);
  for (int i = 0; i < 4; ++i) bytes[36 + static_cast<std::size_t>(i)] = 0xff;  // length of the first record
  files.put(file, bytes);
  CHECK_THROWS_AS(load_checkpoint(files, file), InputError);

  // A shape whose product is 1 modulo 2^64, in a record with a right CRC: 3 and its inverse.
  Checkpoint wrapped;
  wrapped.tensors.push_back({"w", {3, 0xaaaaaaaaaaaaaaabu}, {1}});
  save_checkpoint(files, file, wrapped);
  CHECK_THROWS_WITH_AS(load_checkpoint(files, file), doctest::Contains("tensor w: its shape is too large"), InputError);

  Checkpoint wrong;
  wrong.tensors.push_back({"w", {2, 2}, {1, 2, 3}});
  CHECK_THROWS_AS(save_checkpoint(files, file, wrong), std::logic_error);
}

TEST_CASE("another file is told from a checkpoint") {
  FaultyFileSystem files;
  CHECK_THROWS_WITH_AS(load_checkpoint(files, "run/none.ckpt"), doctest::Contains("run/none.ckpt"), InputError);
  RecordWriter::create(files, file, "trace");
  CHECK_THROWS_WITH_AS(load_checkpoint(files, file),
                       "run/weights.ckpt: got a file of kind \"trace\", expected kind \"checkpoint\"", InputError);
  files.put(file, {'P', 'K', 3, 4, 'a', 'b', 'c', 'd', 'e'});
  CHECK_THROWS_WITH_AS(
      load_checkpoint(files, file),
      "run/weights.ckpt: position 0: got \"PK??abcd\", expected \"SACCADE\": not a file of this program", InputError);
  files.put(file, {});
  CHECK_THROWS_AS(load_checkpoint(files, file), InputError);
}

}  // namespace
