#include "engine/checkpoint.h"

#include <doctest/doctest.h>

#include <unistd.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <set>

#include "engine/error.h"
#include "engine/record_file.h"
#include "tests/engine/faulty_file_system.h"

namespace {

using namespace saccade;
using saccade::testing::Crash;
using saccade::testing::FaultyFileSystem;

const std::filesystem::path folder = "run";
const std::filesystem::path file = folder / "weights.ckpt";

Checkpoint some_checkpoint(std::uint64_t event = 7) {
  Checkpoint checkpoint;
  checkpoint.experiment = "seed = 1\n# \xc3\xa9\n";
  checkpoint.event = event;
  checkpoint.instruction_set = "avx2";
  checkpoint.arithmetic = "exact";
  checkpoint.tensors.push_back({"conv.0.weight", {2, 1, 3}, {1, -2, 0.1f, -0.0f, 3e-45f, 1e38f}});
  checkpoint.tensors.push_back({"empty", {0, 5}, {}});
  checkpoint.tensors.push_back({"scalar", {}, {static_cast<float>(event)}});
  checkpoint.integers.push_back({"steps", {0, -1, std::numeric_limits<std::int64_t>::max()}});
  checkpoint.integers.push_back({"record.trace_bytes", {4096}});
  checkpoint.reals.push_back({"clock", {0.1, -0.0, 1e308}});
  checkpoint.reals.push_back({"record.mean_loss", {0.25}});
  return checkpoint;
}

template <class T>
bool same_bits(const std::vector<T>& a, const std::vector<T>& b) {
  return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0);
}

bool same(const Checkpoint& a, const Checkpoint& b) {
  const auto named_alike = [](const auto& x, const auto& y) {
    return x.name == y.name && same_bits(x.values, y.values);
  };
  return a.experiment == b.experiment && a.event == b.event && a.instruction_set == b.instruction_set &&
         a.arithmetic == b.arithmetic &&
         std::equal(a.tensors.begin(), a.tensors.end(), b.tensors.begin(), b.tensors.end(),
                    [](const Tensor& x, const Tensor& y) {
                      return x.name == y.name && x.shape == y.shape && same_bits(x.data, y.data);
                    }) &&
         std::equal(a.integers.begin(), a.integers.end(), b.integers.begin(), b.integers.end(), named_alike) &&
         std::equal(a.reals.begin(), a.reals.end(), b.reals.begin(), b.reals.end(), named_alike);
}

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

TEST_CASE("a crash at any step leaves the old checkpoint or the new one") {
  int old_found = 0, new_found = 0;
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    for (int step = 1;; ++step) {
      CAPTURE(seed);
      CAPTURE(step);
      FaultyFileSystem files(seed);
      files.largest_write = 100;  // many writes, many points to crash
      save_checkpoint(files, file, some_checkpoint(1));
      files.crash_at = files.operations + step;
      bool crashed = false;
      try {
        save_checkpoint(files, file, some_checkpoint(2));
      } catch (const Crash&) {
        crashed = true;
      }
      files.restart();
      const Checkpoint found = load_checkpoint(files, file);
      if (!crashed) {
        REQUIRE(same(found, some_checkpoint(2)));
        break;
      }
      REQUIRE((same(found, some_checkpoint(1)) || same(found, some_checkpoint(2))));
      ++(found.event == 1 ? old_found : new_found);
    }
  }
  CHECK(old_found > 0);
  CHECK(new_found > 0);
}

/// Replaces a file the careless way, without syncs.
void save_carelessly(FaultyFileSystem& files, const Checkpoint& checkpoint) {
  FaultyFileSystem other;
  save_checkpoint(other, file, checkpoint);
  const auto new_file = files.create("run/new");
  new_file->write(other.bytes(file));
  files.rename("run/new", file);
  files.sync_directory(folder);
}

TEST_CASE("the model of crashes finds a save without sync") {
  int lost = 0;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    FaultyFileSystem files(seed);
    save_checkpoint(files, file, some_checkpoint(1));
    save_carelessly(files, some_checkpoint(2));
    files.restart();
    try {
      load_checkpoint(files, file);
    } catch (const InputError&) {
      ++lost;
    }
  }
  CHECK(lost > 0);
}

TEST_CASE("a refused operation leaves the old checkpoint, and the next save works") {
  for (int step = 1;; ++step) {
    CAPTURE(step);
    FaultyFileSystem files;
    save_checkpoint(files, file, some_checkpoint(1));
    files.fail_at = files.operations + step;
    bool failed = false;
    try {
      save_checkpoint(files, file, some_checkpoint(2));
    } catch (const SystemError&) {
      failed = true;
    }
    files.fail_at = -1;
    const Checkpoint found = load_checkpoint(files, file);
    REQUIRE((found.event == 1 || found.event == 2));
    if (!failed) break;
    save_checkpoint(files, file, some_checkpoint(3));
    REQUIRE(same(load_checkpoint(files, file), some_checkpoint(3)));
  }
}

TEST_CASE("a full disk is an error that names the file, and leaves no debris") {
  FaultyFileSystem files;
  save_checkpoint(files, file, some_checkpoint(1));
  files.capacity = files.size(file) + 100;
  CHECK_THROWS_WITH_AS(save_checkpoint(files, file, some_checkpoint(2)),
                       "run/weights.ckpt.tmp: cannot write: No space left on device", SystemError);
  CHECK(same(load_checkpoint(files, file), some_checkpoint(1)));
  CHECK(files.list(folder) == std::vector<std::string>{"weights.ckpt"});
}

TEST_CASE("two generations are kept; a damaged newer one is passed over with a warning") {
  FaultyFileSystem files;
  std::string warning = "old";
  CHECK_FALSE(load_newest(files, folder, warning));
  CHECK(warning.empty());
  files.put("run/checkpoint-x.ckpt", {1});
  files.put("run/checkpoint-12.ckpt.tmp", {1});
  for (const std::uint64_t event : {5u, 10u, 90u, 100u}) {
    CHECK(save_generation(files, folder, some_checkpoint(event)) ==
          folder / ("checkpoint-" + std::to_string(event) + ".ckpt"));
  }
  CHECK(files.list(folder) ==
        std::vector<std::string>{"checkpoint-100.ckpt", "checkpoint-90.ckpt", "checkpoint-x.ckpt"});
  CHECK(load_newest(files, folder, warning)->event == 100);
  CHECK(warning.empty());

  files.bytes("run/checkpoint-100.ckpt")[200] ^= 1;
  CHECK(load_newest(files, folder, warning)->event == 90);
  CHECK(warning.find("run/checkpoint-100.ckpt: ") == 0);

  // The damaged one does not count as a generation: 90 stays until there are two good ones.
  save_generation(files, folder, some_checkpoint(95));
  CHECK(files.exists("run/checkpoint-90.ckpt"));
  save_generation(files, folder, some_checkpoint(110));
  CHECK(files.list(folder) ==
        std::vector<std::string>{"checkpoint-110.ckpt", "checkpoint-95.ckpt", "checkpoint-x.ckpt"});

  for (const char* name : {"run/checkpoint-110.ckpt", "run/checkpoint-95.ckpt"}) files.put(name, {});
  CHECK_FALSE(load_newest(files, folder, warning));
  CHECK(warning.find("checkpoint-110") < warning.find("checkpoint-95"));
}

TEST_CASE("a crash at any step of a new generation loses none that was complete") {
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    for (int step = 1;; ++step) {
      CAPTURE(seed);
      CAPTURE(step);
      FaultyFileSystem files(seed);
      save_generation(files, folder, some_checkpoint(10));
      save_generation(files, folder, some_checkpoint(20));
      files.crash_at = files.operations + step;
      bool crashed = false;
      try {
        save_generation(files, folder, some_checkpoint(30));
      } catch (const Crash&) {
        crashed = true;
      }
      files.restart();
      std::string warning;
      const auto found = load_newest(files, folder, warning);
      REQUIRE(found);
      REQUIRE((found->event == 30 || (crashed && found->event == 20)));
      REQUIRE(same(*found, some_checkpoint(found->event)));
      REQUIRE(warning.empty());
      save_generation(files, folder, some_checkpoint(40));
      REQUIRE(files.list(folder).size() == 2);
      if (!crashed) break;
    }
  }
}

TEST_CASE("on the disk") {
  const auto real_folder =
      std::filesystem::temp_directory_path() / ("saccade-checkpoint-" + std::to_string(::getpid()));
  std::filesystem::create_directory(real_folder);
  for (const std::uint64_t event : {1u, 2u, 3u}) save_generation(real_files(), real_folder, some_checkpoint(event));
  std::string warning;
  const auto found = load_newest(real_files(), real_folder, warning);
  REQUIRE(found);
  CHECK(same(*found, some_checkpoint(3)));
  CHECK(real_files().list(real_folder) == std::vector<std::string>{"checkpoint-2.ckpt", "checkpoint-3.ckpt"});
  std::filesystem::remove_all(real_folder);
}

}  // namespace
