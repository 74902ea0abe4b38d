#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "tools/experiment/experiment.h"

/// The table of experiment keys, shared by reading, writing and listing. Internal to this folder.
namespace saccade::keys {

/// Where a key's value lives.
template <class T>
using Field = std::function<T&(Experiment&)>;

struct Integer {
  Field<std::int64_t> field;
  std::int64_t min, max;
  std::string all = {};  ///< the word that stands for -1, if one does
};
struct Real {
  Field<double> field;
  double min, max;
  bool above_min = false;  ///< the minimum itself is not allowed
};
struct Boolean {
  Field<bool> field;
};
/// One of a few words, the words being those of an enum in its order from 0. "true" and "false" among them stand for
/// the TOML booleans. `automatic`: the word "auto" is allowed too, and means that `resolve` chooses.
struct Choice {
  std::function<int(const Experiment&)> get;
  std::function<void(Experiment&, int)> set;
  std::vector<std::string> words;
  bool automatic = false;
};
/// Any string.
struct Text {
  Field<std::string> field;
};
/// One number for all layers, or a list with one per layer.
struct PerLayer {
  Field<std::vector<double>> field;
};
struct Network {};    ///< a known name or a table
struct Margins {};    ///< [m1, m2] or a list of such pairs
struct Shorthand {};  ///< `rate = x`: stands for other keys, never written

using Type = std::variant<Integer, Real, Boolean, Choice, Text, PerLayer, Network, Margins, Shorthand>;

struct Key {
  std::string name;  ///< dotted, e.g. "view.kind"
  Type type;
  std::string unit;
  std::string description;
  std::string default_text =
      {};  ///< set where the default depends on other keys; else the default is that of `Experiment`
};

const std::vector<Key>& table();
const Key* find(std::string_view name);

/// The nearest known key, for "did you mean"; words without dots are also compared with the last part of a key.
std::string nearest(std::string_view name);

/// "integer", "true or false", "one of \"a\", \"b\"", with the range: what a message expects.
std::string expectation(const Key& key);

/// A number as TOML writes it, with the fewest digits that read back to the same bits.
std::string real_text(double value);

/// The value of a key of any type as TOML.
std::string value_text(const Key& key, const Experiment& experiment);

/// Before a file is read.
Experiment defaults(Mode mode);

/// What the keys of a file and its overrides came to, before the defaults that depend on other keys.
struct Given {
  explicit Given(Mode mode) : experiment(defaults(mode)) {}
  Experiment experiment;        ///< network, margins and rates are empty where not given
  std::set<std::string> names;  ///< of the keys
  bool automatic_view = true;
  std::optional<int> head_average;  ///< given apart from the network, whose own it replaces
};

/// Whether a key says anything beside a recorded stream (or only there).
bool applies(std::string_view name, const Experiment& experiment);

/// Where a recorded stream is given: reads the file and fills in what it decides. A resolved experiment, which has
/// stream.hash, needs no file for that.
void adopt_recording(Given& given, const std::string& origin);

/// Fills in those defaults and checks what only makes sense together; `origin` names the file in messages.
Experiment resolve(Given given, const std::string& origin);

inline const std::vector<std::string>& activation_words() {
  static const std::vector<std::string> words{"none", "hardtanh", "tanh", "relu"};
  return words;
}

}  // namespace saccade::keys
