#pragma once
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace saccade {

/// Records of comma-separated values as RFC 4180 has them: lines end with LF or CRLF, the last one with or without; a
/// field in double quotes may hold commas, line ends and, doubled, quotes. InputError names source and line for a quote
/// where none may be, one that is not closed, a zero byte, and a record beyond the limit.
class CsvReader {
 public:
  static constexpr std::size_t largest_record = std::size_t{1} << 16;  ///< bytes, with its line end

  /// `text` must outlive the reader; `name` stands for it in messages.
  CsvReader(std::string_view text, std::string name) : text_(text), name_(std::move(name)) {
    if (text_.starts_with("\xEF\xBB\xBF")) at_ = 3;  // UTF-8's mark, as spreadsheets write it
  }

  /// The next record's fields, at least one; nothing at the end.
  std::optional<std::vector<std::string>> next();
  /// "NAME, line 3": where the record that next() gave last begins.
  std::string where() const;

 private:
  [[noreturn]] void fail(const std::string& message) const;

  std::string_view text_;
  std::string name_;
  std::size_t at_ = 0;
  std::size_t line_ = 1;   ///< of at_
  std::size_t first_ = 1;  ///< of the record
};

}  // namespace saccade
