#include <array>
#include <limits>
#include <stdexcept>
#include <string_view>

#include "engine/checkpoint.h"
#include "engine/crc32c.h"
#include "engine/error.h"
#include "engine/event_records.h"
#include "engine/record_file.h"
#include "engine/schemas/checkpoint_generated.h"

namespace saccade {
namespace {

constexpr std::string_view checkpoint_kind = "checkpoint";
enum RecordType : std::uint32_t {
  meta_record = 1,
  tensor_record = 2,
  integers_record = 3,
  reals_record = 4,
  end_record = 5
};

std::array<std::uint8_t, 4> little_endian(std::uint32_t value) {
  return {static_cast<std::uint8_t>(value), static_cast<std::uint8_t>(value >> 8),
          static_cast<std::uint8_t>(value >> 16), static_cast<std::uint8_t>(value >> 24)};
}

/// What the end record says: a missing, an added or an exchanged record changes it.
struct Tally {
  std::uint64_t records = 0;
  std::uint32_t crc = 0;

  void add(std::uint32_t record_crc) {
    ++records;
    crc = crc32c(little_endian(record_crc), crc);
  }
};

class Writer {
 public:
  Writer(FileSystem& files, const std::filesystem::path& file)
      : records_(RecordWriter::create(files, file, checkpoint_kind)) {}

  void write(const Checkpoint& checkpoint) {
    append(meta_record, fb::CreateMeta(builder_, builder_.CreateString(checkpoint.experiment), checkpoint.event,
                                       builder_.CreateString(checkpoint.instruction_set),
                                       builder_.CreateString(checkpoint.arithmetic)));
    for (const Tensor& tensor : checkpoint.tensors) {
      if (tensor.elements() != tensor.data.size()) {
        throw std::logic_error("checkpoint: tensor " + tensor.name + " has " + std::to_string(tensor.data.size()) +
                               " values, its shape " + std::to_string(tensor.elements()));
      }
      const std::vector<std::uint64_t> shape(tensor.shape.begin(), tensor.shape.end());
      append(tensor_record, fb::CreateTensor(builder_, builder_.CreateString(tensor.name), builder_.CreateVector(shape),
                                             builder_.CreateVector(tensor.data)));
    }
    for (const auto& integers : checkpoint.integers) {
      append(integers_record, fb::CreateIntegers(builder_, builder_.CreateString(integers.name),
                                                 builder_.CreateVector(integers.values)));
    }
    for (const auto& reals : checkpoint.reals) {
      append(reals_record,
             fb::CreateReals(builder_, builder_.CreateString(reals.name), builder_.CreateVector(reals.values)));
    }
    append(end_record, fb::CreateEnd(builder_, tally_.records, tally_.crc));
    records_.sync();
    records_.close();
  }

 private:
  template <class Table>
  void append(RecordType type, flatbuffers::Offset<Table> root) {
    builder_.Finish(root);
    tally_.add(records_.append(type, {builder_.GetBufferPointer(), builder_.GetSize()}));
    builder_.Clear();
  }

  RecordWriter records_;
  flatbuffers::FlatBufferBuilder builder_;
  Tally tally_;
};

std::string text(const flatbuffers::String* string) { return string == nullptr ? std::string() : string->str(); }

class Reader {
 public:
  Reader(FileSystem& files, const std::filesystem::path& file)
      : files_(files), file_(file), records_(files, file, checkpoint_kind) {}

  Checkpoint read() {
    while (const auto record = records_.next()) {
      if (!records_.damage().empty()) refuse_damage();
      if ((record->type == meta_record) != (tally_.records == 0)) {
        refuse(*record,
               "got a record of type " + std::to_string(record->type) + ", expected the meta record first and once");
      }
      take(*record);
      tally_.add(record->crc);
      if (ended_) break;
    }
    if (!records_.damage().empty()) refuse_damage();
    if (!ended_)
      throw InputError(file_.string() + ": position " + std::to_string(records_.end()) +
                       ": got the end of the file, expected the end record: the checkpoint is torn");
    if (const std::uint64_t size = files_.size(file_); size != records_.end())
      throw InputError(file_.string() + ": position " + std::to_string(records_.end()) + ": got " +
                       std::to_string(size - records_.end()) +
                       " bytes after the end record, expected none: the checkpoint is damaged");
    return std::move(checkpoint_);
  }

 private:
  [[noreturn]] void refuse(const Record& record, const std::string& what) { records::refuse(file_, record, what); }

  [[noreturn]] void refuse_damage() {
    const Damage& damage = records_.damage().front();
    throw InputError(file_.string() + ": " + describe(damage) + ": the checkpoint is " +
                     (damage.tail ? "torn" : "damaged"));
  }

  template <class Table>
  const Table& verified(const Record& record) {
    return records::verified<Table>(file_, record);
  }

  template <class T, class Vector>
  std::vector<T> values(const Record& record, const Vector* vector) {
    records::aligned<T>(file_, record, vector);
    return vector == nullptr ? std::vector<T>() : std::vector<T>(vector->begin(), vector->end());
  }

  void take(const Record& record) {
    switch (record.type) {
      case meta_record: {
        const auto& table = verified<fb::Meta>(record);
        checkpoint_.experiment = text(table.experiment());
        checkpoint_.event = table.event();
        checkpoint_.instruction_set = text(table.instruction_set());
        checkpoint_.arithmetic = text(table.arithmetic());
        return;
      }
      case tensor_record:
        return take_tensor(record);
      case integers_record: {
        const auto& table = verified<fb::Integers>(record);
        checkpoint_.integers.push_back({text(table.name()), values<std::int64_t>(record, table.values())});
        return;
      }
      case reals_record: {
        const auto& table = verified<fb::Reals>(record);
        checkpoint_.reals.push_back({text(table.name()), values<double>(record, table.values())});
        return;
      }
      case end_record: {
        const auto& table = verified<fb::End>(record);
        if (table.records() != tally_.records || table.crc() != tally_.crc) {
          refuse(record, "got " + std::to_string(tally_.records) + " records, expected " +
                             std::to_string(table.records()) + " and their checksum");
        }
        ended_ = true;
        return;
      }
      default:
        refuse(record, "got record type " + std::to_string(record.type) + ", expected 1 to 5");
    }
  }

  void take_tensor(const Record& record) {
    const auto& table = verified<fb::Tensor>(record);
    const std::size_t count = table.data() == nullptr ? 0 : table.data()->size();
    Tensor tensor{text(table.name()), values<std::size_t>(record, table.shape()), {}};
    std::size_t elements = 1;
    for (const std::size_t extent : tensor.shape) {
      // Sizes of a file that someone made up could wrap around to the right product.
      if (extent != 0 && elements > std::numeric_limits<std::size_t>::max() / extent) {
        refuse(record, "tensor " + tensor.name + ": its shape is too large");
      }
      elements *= extent;
    }
    if (elements != count) {
      refuse(record, "tensor " + tensor.name + ": got " + std::to_string(count) + " values, its shape has " +
                         std::to_string(elements));
    }
    tensor.data = values<float>(record, table.data());
    checkpoint_.tensors.push_back(std::move(tensor));
  }

  FileSystem& files_;
  std::filesystem::path file_;
  RecordReader records_;
  Tally tally_;
  bool ended_ = false;
  Checkpoint checkpoint_;
};

}  // namespace

void save_checkpoint(FileSystem& files, const std::filesystem::path& file, const Checkpoint& checkpoint) {
  std::filesystem::path temporary = file;
  temporary += ".tmp";
  try {
    Writer(files, temporary).write(checkpoint);
    files.rename(temporary, file);
  } catch (const SystemError&) {
    // On a full disk the torn file is in the way of whatever its owner does next.
    try {
      files.remove(temporary);
    } catch (const std::runtime_error&) {
    }
    throw;
  }
  files.sync_directory(file.parent_path());
}

Checkpoint load_checkpoint(FileSystem& files, const std::filesystem::path& file) { return Reader(files, file).read(); }

}  // namespace saccade
