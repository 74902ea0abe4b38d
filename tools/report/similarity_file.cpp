#include "tools/report/similarity_file.h"

#include <fmt/format.h>

#include <charconv>
#include <stdexcept>

#include "engine/error.h"
#include "streams/csv.h"
#include "tools/report/csv.h"

namespace saccade {
namespace {

std::string header(const std::vector<std::string>& names) {
  std::string line = "event,layer,row";
  for (const std::string& name : names) line += fmt::format(",{}", csv_quoted(name));
  return line;
}

template <class T>
bool parse(const std::string& text, T& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size();
}

}  // namespace

SimilarityWriter::SimilarityWriter(const std::filesystem::path& file, std::vector<std::string> names,
                                   std::optional<std::uint64_t> keep_bytes, FileSystem& files)
    : names_(std::move(names)), file_(file, header(names_), keep_bytes, files) {}

void SimilarityWriter::add(std::uint64_t event, int layer, const std::vector<double>& values) {
  if (values.size() != names_.size() * names_.size())
    throw std::invalid_argument(fmt::format("SimilarityWriter: {} values for {} names", values.size(), names_.size()));
  std::string text;
  for (std::size_t row = 0; row < names_.size(); ++row) {
    text += fmt::format("{},{},{}", event, layer, csv_quoted(names_[row]));
    for (std::size_t i = 0; i < names_.size(); ++i) text += fmt::format(",{:.6g}", values[row * names_.size() + i]);
    text += "\n";
  }
  file_.write(text);
}

SimilarityMatrices read_similarity(const std::filesystem::path& file, FileSystem& files) {
  const std::vector<std::uint8_t> bytes = files.read_all(file, std::size_t{1} << 32);
  std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  text = text.substr(0, text.rfind('\n') + 1);
  CsvReader csv(text, file.string());
  const auto refuse = [&](const std::string& what) { throw InputError(fmt::format("{}: {}", csv.where(), what)); };
  SimilarityMatrices all;
  const auto first = csv.next();
  if (!first || first->size() < 4 || (*first)[0] != "event" || (*first)[1] != "layer" || (*first)[2] != "row")
    throw InputError(fmt::format("{}, line 1: expected event,layer,row and names", file.string()));
  all.names.assign(first->begin() + 3, first->end());
  const std::size_t size = all.names.size();
  while (const auto fields = csv.next()) {
    SimilarityMatrix row;
    if (fields->size() != size + 3 || !parse((*fields)[0], row.event) || !parse((*fields)[1], row.layer))
      refuse(fmt::format("expected an event, a layer, a name and {} numbers", size));
    const bool begins = all.matrices.empty() || all.matrices.back().values.size() == size * size;
    if (begins) all.matrices.push_back(row);
    SimilarityMatrix& matrix = all.matrices.back();
    if (matrix.event != row.event || matrix.layer != row.layer)
      refuse(fmt::format("found event {}, layer {} within the matrix of event {}, layer {}", row.event, row.layer,
                         matrix.event, matrix.layer));
    for (std::size_t i = 0; i < size; ++i)
      if (!parse((*fields)[i + 3], matrix.values.emplace_back()))
        refuse(fmt::format("found \"{:.40}\", expected a number", (*fields)[i + 3]));
  }
  if (!all.matrices.empty() && all.matrices.back().values.size() != size * size) all.matrices.pop_back();
  return all;
}

}  // namespace saccade
