#include "tools/safetensors.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>
#include <stdexcept>

#include "engine/error.h"
#include "tools/replace_file.h"

namespace saccade {
namespace {

static_assert(std::endian::native == std::endian::little, "tensor data are copied as they are");

using Json = nlohmann::ordered_json;

constexpr const char* metadata_key = "__metadata__";
constexpr std::size_t most_axes = 64;  // as many as a NumPy array can have

struct Entry {
  std::string name, dtype;
  std::vector<std::size_t> shape;
  std::uint64_t begin = 0, end = 0;
};

class Parser {
 public:
  Parser(std::string_view bytes, std::string origin) : bytes_(bytes), origin_(std::move(origin)) {}

  SafeTensors parse() {
    std::vector<Entry> entries = read_entries();
    std::stable_sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
      return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
    });
    std::uint64_t at = 0;
    for (const Entry& entry : entries) {
      if (entry.begin != at)
        fail(fmt::format(
            "tensor \"{}\" begins at byte {} of the data, expected {}: data must have no holes and no overlap",
            entry.name, entry.begin, at));
      at = entry.end;
    }
    if (at != data_.size()) fail(fmt::format("the tensors take {} bytes of data, the file has {}", at, data_.size()));
    SafeTensors tensors;
    tensors.metadata = std::move(metadata_);
    for (Entry& entry : entries) {
      if (entry.dtype == "F32")
        tensors.reals.push_back({entry.name, entry.shape, values<float>(entry)});
      else
        tensors.integers.push_back({entry.name, entry.shape, values<std::int64_t>(entry)});
    }
    return tensors;
  }

 private:
  [[noreturn]] void fail(const std::string& what) const { throw InputError(fmt::format("{}: {}", origin_, what)); }

  std::vector<Entry> read_entries() {
    std::uint64_t length = 0;
    if (bytes_.size() < sizeof length)
      fail(fmt::format("not a safetensors file: it has {} bytes, expected at least 8", bytes_.size()));
    std::memcpy(&length, bytes_.data(), sizeof length);
    if (length > bytes_.size() - sizeof length)
      fail(fmt::format("not a safetensors file, or a truncated one: byte 0 announces a header of {} bytes, {} follow",
                       length, bytes_.size() - sizeof length));
    const std::string_view text = bytes_.substr(sizeof length, length);
    data_ = bytes_.substr(sizeof length + length);
    if (text.empty() || text[0] != '{')
      fail("not a safetensors file: expected a JSON header beginning with '{' at byte 8");

    // The parser keeps the last of two equal keys, so they are looked for while it runs.
    std::set<std::string> names;
    std::string duplicate;
    const auto watch = [&](int depth, Json::parse_event_t event, Json& key) {
      if (event == Json::parse_event_t::key && depth == 1 && !names.insert(key.get<std::string>()).second)
        duplicate = key.get<std::string>();
      return true;
    };
    Json header;
    try {
      header = Json::parse(text, watch);
    } catch (const Json::exception& error) {
      fail(fmt::format("the header is not JSON: {}", error.what()));
    }
    if (!duplicate.empty()) fail(fmt::format("tensor \"{}\" appears twice in the header", duplicate));
    std::vector<Entry> entries;
    for (const auto& [name, value] : header.items()) {
      if (name == metadata_key)
        read_metadata(value);
      else
        entries.push_back(read_entry(name, value));
    }
    return entries;
  }

  void read_metadata(const Json& value) {
    if (!value.is_object()) fail(fmt::format("{} is {:.40}, expected an object", metadata_key, dump(value)));
    for (const auto& [key, text] : value.items()) {
      if (!text.is_string())
        fail(fmt::format("{}: \"{}\" is {:.40}, expected a string", metadata_key, key, dump(text)));
      metadata_[key] = text.get<std::string>();
    }
  }

  Entry read_entry(const std::string& name, const Json& value) const {
    const auto member = [&](const char* key) -> const Json& {
      if (!value.is_object() || !value.contains(key)) fail(fmt::format("tensor \"{}\" has no {}", name, key));
      return value[key];
    };
    const auto size = [&](const Json& number, const char* what) {
      if (!number.is_number_unsigned())
        fail(fmt::format("tensor \"{}\": {} contains {:.40}, expected an integer of at least 0", name, what,
                         dump(number)));
      return number.get<std::uint64_t>();
    };
    Entry entry{.name = name, .dtype = {}, .shape = {}};
    const Json &dtype = member("dtype"), &shape = member("shape"), &offsets = member("data_offsets");
    entry.dtype = dtype.is_string() ? dtype.get<std::string>() : dump(dtype);
    if (entry.dtype != "F32" && entry.dtype != "I64")
      fail(fmt::format("tensor \"{}\" has dtype {:.40}, expected F32 or I64", name, entry.dtype));
    if (!shape.is_array()) fail(fmt::format("tensor \"{}\": shape is {:.40}, expected a list", name, dump(shape)));
    if (shape.size() > most_axes)
      fail(fmt::format("tensor \"{}\": shape has {} axes, expected at most {}", name, shape.size(), most_axes));
    if (!offsets.is_array() || offsets.size() != 2)
      fail(fmt::format("tensor \"{}\": data_offsets is {:.40}, expected [begin, end]", name, dump(offsets)));

    // An empty extent makes the product 0 whatever the others are, so no overflow may be reported before all are read.
    std::uint64_t elements = 1;
    bool overflow = false, empty = false;
    for (const Json& extent : shape) {
      const std::uint64_t n = size(extent, "shape");
      entry.shape.push_back(n);
      empty = empty || n == 0;
      overflow = __builtin_mul_overflow(elements, n, &elements) || overflow;
    }
    std::uint64_t bytes = 0;
    overflow = __builtin_mul_overflow(elements, std::uint64_t{entry.dtype == "F32" ? 4u : 8u}, &bytes) || overflow;
    if (empty) bytes = 0;
    entry.begin = size(offsets[0], "data_offsets");
    entry.end = size(offsets[1], "data_offsets");
    if (entry.begin > entry.end || entry.end > data_.size())
      fail(fmt::format("tensor \"{}\" lies at bytes {} to {} of the data, which has {}", name, entry.begin, entry.end,
                       data_.size()));
    if ((overflow && !empty) || bytes != entry.end - entry.begin)
      fail(fmt::format("tensor \"{}\" has {} bytes of data, its shape {:.60} of {} needs {}", name,
                       entry.end - entry.begin, dump(shape), entry.dtype,
                       overflow && !empty ? "more than there can be" : std::to_string(bytes)));
    return entry;
  }

  /// JSON for a message; bytes that are not UTF-8 must not make the message itself throw.
  static std::string dump(const Json& value) { return value.dump(-1, ' ', true, Json::error_handler_t::replace); }

  template <class T>
  std::vector<T> values(const Entry& entry) const {
    std::vector<T> data((entry.end - entry.begin) / sizeof(T));
    if (!data.empty()) std::memcpy(data.data(), data_.data() + entry.begin, data.size() * sizeof(T));
    return data;
  }

  std::string_view bytes_, data_;
  std::string origin_;
  std::map<std::string, std::string> metadata_;
};

template <class T>
void append(const T& tensor, std::vector<TensorEntry>& entries, std::string& data) {
  const TensorEntry entry{tensor.name, std::is_same_v<T, IntegerTensor>, tensor.shape};
  const std::uint64_t bytes = tensor.data.size() * sizeof tensor.data[0];
  if (entry.bytes() != bytes)
    throw std::invalid_argument(
        fmt::format("safetensors: {} has {} bytes of values, its shape {}", tensor.name, bytes, entry.bytes()));
  data.append(reinterpret_cast<const char*>(tensor.data.data()), bytes);
  entries.push_back(entry);
}

}  // namespace

const Tensor* SafeTensors::real(std::string_view name) const {
  const auto found = std::find_if(reals.begin(), reals.end(), [&](const Tensor& t) { return t.name == name; });
  return found == reals.end() ? nullptr : &*found;
}

const IntegerTensor* SafeTensors::integer(std::string_view name) const {
  const auto found =
      std::find_if(integers.begin(), integers.end(), [&](const IntegerTensor& t) { return t.name == name; });
  return found == integers.end() ? nullptr : &*found;
}

SafeTensors parse_safetensors(std::string_view bytes, const std::string& origin) {
  return Parser(bytes, origin).parse();
}

SafeTensors read_safetensors(const std::filesystem::path& file) {
  if (std::filesystem::exists(file) && !std::filesystem::is_regular_file(file))  // one may wait for ever, or never end
    throw InputError(fmt::format("{}: this is no plain file", file.string()));
  std::ifstream in(file, std::ios::binary);
  if (!in) throw InputError(fmt::format("{}: cannot read this file", file.string()));
  std::ostringstream bytes;
  bytes << in.rdbuf();
  return parse_safetensors(bytes.view(), file.string());
}

std::uint64_t TensorEntry::bytes() const {
  std::uint64_t bytes = integers ? 8 : 4;
  for (const std::size_t extent : shape) bytes *= extent;
  return bytes;
}

std::string safetensors_header(const std::vector<TensorEntry>& entries,
                               const std::map<std::string, std::string>& metadata) {
  Json header = Json::object();
  if (!metadata.empty()) header[metadata_key] = metadata;
  std::uint64_t begin = 0;
  for (const TensorEntry& entry : entries) {
    if (header.contains(entry.name) || entry.name == metadata_key)
      throw std::invalid_argument("safetensors: two tensors are called " + entry.name);
    const std::uint64_t end = begin + entry.bytes();
    header[entry.name] = {
        {"dtype", entry.integers ? "I64" : "F32"}, {"shape", entry.shape}, {"data_offsets", {begin, end}}};
    begin = end;
  }
  // Names of files may hold any bytes; metadata with a replacement character are better than none.
  std::string text = header.dump(-1, ' ', false, Json::error_handler_t::replace);
  text.resize((text.size() + 7) / 8 * 8, ' ');
  const std::uint64_t length = text.size();
  return std::string(reinterpret_cast<const char*>(&length), sizeof length) + text;
}

std::string safetensors_bytes(const SafeTensors& tensors) {
  std::vector<TensorEntry> entries;
  std::string data;
  for (const IntegerTensor& tensor : tensors.integers) append(tensor, entries, data);
  for (const Tensor& tensor : tensors.reals) append(tensor, entries, data);
  return safetensors_header(entries, tensors.metadata) + data;
}

void write_safetensors(const std::filesystem::path& file, const SafeTensors& tensors) {
  replace_file(file, safetensors_bytes(tensors));
}

}  // namespace saccade
