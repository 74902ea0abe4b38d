#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace saccade {

/// XXH3, 128 bits, over fields that are each preceded by their length, so that no two lists of fields give the same
/// bytes. Tells contents apart that differ by accident, not against someone who means to.
class Hash {
 public:
  Hash();
  Hash(Hash&&) noexcept;
  Hash& operator=(Hash&&) noexcept;
  ~Hash();

  void add(std::uint64_t value) { add_bytes(&value, sizeof value); }
  void add(std::string_view text) { add_array(text); }
  template <class Array>
  void add_array(const Array& array) {
    add(static_cast<std::uint64_t>(array.size()));
    add_bytes(array.data(), array.size() * sizeof(*array.data()));
  }
  /// A piece of one field, whose whole length is told elsewhere.
  void add_bytes(const void* bytes, std::size_t size);
  std::string hex() const;  ///< 32 digits

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace saccade
