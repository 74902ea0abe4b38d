#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <limits>
#include <map>

#include "engine/error.h"
#include "tools/experiment/experiment_keys.h"
#include "tools/experiment/parse_toml.h"
#include "tools/read_text.h"

namespace saccade {
namespace {

std::string describe(const toml::node& node) {
  switch (node.type()) {
    case toml::node_type::string:
      return fmt::format("the string \"{}\"", node.as_string()->get());
    case toml::node_type::integer:
      return fmt::format("the integer {}", node.as_integer()->get());
    case toml::node_type::floating_point:
      return fmt::format("the number {}", keys::real_text(node.as_floating_point()->get()));
    case toml::node_type::boolean:
      return node.as_boolean()->get() ? "true" : "false";
    case toml::node_type::array:
      return fmt::format("a list of {}", node.as_array()->size());
    case toml::node_type::table:
      return "a table";
    default:
      return "a date or time";
  }
}

/// Reads a parsed document into an Experiment. What the file leaves open stays empty until `keys::resolve`.
class Reader {
 public:
  Reader(toml::table document, std::string origin, Mode mode)
      : document_(std::move(document)), origin_(std::move(origin)), given_(mode) {
    expand_shorthands();
  }

  void set(const Override& override);
  Experiment read();

 private:
  void expand_shorthands();
  void read_table(const toml::table& table, const std::string& prefix);
  void read_key(const keys::Key& key, const toml::node& node);
  void read_network(const keys::Key& key, const toml::node& node);
  void read_layer(const toml::node& node, const std::string& prefix);
  void read_pool(const toml::node& node, const std::string& prefix);
  void read_margins(const keys::Key& key, const toml::node& node);

  double number(const keys::Key& key, const toml::node& node, double min, double max, bool above_min);
  std::int64_t integer(const std::string& key, const toml::node& node, std::int64_t min, std::int64_t max);
  [[noreturn]] void fail(const std::string& key, const toml::node& node, const std::string& expected) const;
  [[noreturn]] void unknown(const std::string& key, const toml::node& node, const std::string& suggestion) const;
  std::string where(const std::string& key, const toml::node& node) const;

  toml::table document_;
  std::string origin_;
  std::map<std::string, std::string> overrides_;  ///< key -> where it was given
  keys::Given given_;
};

std::string Reader::where(const std::string& key, const toml::node& node) const {
  for (const auto& [name, place] : overrides_)
    if (key == name || key.starts_with(name + ".") || key.starts_with(name + "[")) return place;
  const auto line = node.source().begin.line;
  return line > 0 ? fmt::format("{}, line {}", origin_, line) : origin_;
}

void Reader::fail(const std::string& key, const toml::node& node, const std::string& expected) const {
  throw InputError(fmt::format("{}: {} is {}, expected {}", where(key, node), key, describe(node), expected));
}

void Reader::unknown(const std::string& key, const toml::node& node, const std::string& suggestion) const {
  for (const char* flag : {"device", "threads", "out", "resume", "quiet", "json"})
    if (key == flag)
      throw InputError(
          fmt::format("{}: \"{}\" is not a key of experiments but a flag: --{}", where(key, node), key, flag));
  throw InputError(
      fmt::format("{}: unknown key \"{}\"; did you mean \"{}\"? (saccade replay --keys, or train --keys, lists all)",
                  where(key, node), key, suggestion));
}

/// `rate = x` becomes rate.conv = rate.head = x, so that one of them can be overridden alone.
void Reader::expand_shorthands() {
  const toml::node* rate = document_.get("rate");
  if (!rate || rate->is_table()) return;
  toml::table both;
  rate->visit([&](const auto& value) { both.insert("conv", value), both.insert("head", value); });
  if (!rate->is_number() && !rate->is_array()) fail("rate", *rate, keys::expectation(*keys::find("rate")));
  document_.insert_or_assign("rate", std::move(both));
}

void Reader::set(const Override& override) {
  const std::string& assignment = override.assignment;
  check_toml_size(assignment, override.where.substr(0, 60));
  const std::size_t equals = assignment.find('=');
  if (equals == std::string::npos || equals == 0)
    throw InputError(fmt::format("{}: expected key=value, for example --set data=cifar10", override.where));
  const std::string name = assignment.substr(0, equals), text = assignment.substr(equals + 1);

  toml::table parsed;
  try {
    parsed = toml::parse("value = " + text);
  } catch (const toml::parse_error& error) {
    // A bare word is a string; anything that was meant to be TOML is an error here rather than an odd string later.
    if (text.empty() || text.find_first_of("[]{}\"'=\n") != std::string::npos)
      throw InputError(fmt::format("{}: the value is not TOML: {}", override.where, error.description()));
    parsed.insert_or_assign("value", text);
  }
  if (parsed.size() != 1) throw InputError(fmt::format("{}: expected one value", override.where));

  overrides_[name] = override.where;
  toml::table* table = &document_;
  std::size_t begin = 0;
  for (std::size_t dot; (dot = name.find('.', begin)) != std::string::npos; begin = dot + 1) {
    const std::string part = name.substr(begin, dot - begin);
    toml::node* inner = table->get(part);
    if (!inner || !inner->is_table()) {
      toml::table fresh;
      if (part == "network" && inner && inner->is_string()) fresh.insert("name", inner->as_string()->get());
      table->insert_or_assign(part, std::move(fresh));
      inner = table->get(part);
    }
    table = inner->as_table();
  }
  parsed.get("value")->visit([&](auto&& value) { table->insert_or_assign(name.substr(begin), std::move(value)); });
  expand_shorthands();
}

Experiment Reader::read() {
  read_table(document_, "");
  return keys::resolve(std::move(given_), origin_);
}

void Reader::read_table(const toml::table& table, const std::string& prefix) {
  for (const auto& [part, node] : table) {
    const std::string name = prefix + std::string(part.str());
    const keys::Key* key = keys::find(name);
    if (key && !(std::holds_alternative<keys::Shorthand>(key->type) && node.is_table())) {
      read_key(*key, node);
      continue;
    }
    bool known_table = false;
    for (const keys::Key& candidate : keys::table())
      known_table = known_table || candidate.name.starts_with(name + ".");
    if (known_table && !node.is_table()) fail(name, node, "a table");
    if (!node.is_table()) unknown(name, node, keys::nearest(name));
    if (!known_table && node.as_table()->empty()) unknown(name, node, keys::nearest(name));
    read_table(*node.as_table(), name + ".");
  }
}

std::int64_t Reader::integer(const std::string& key, const toml::node& node, std::int64_t min, std::int64_t max) {
  const auto* value = node.as_integer();
  if (!value || value->get() < min || value->get() > max)
    fail(key, node, fmt::format("an integer from {} to {}", min, max));
  return value->get();
}

double Reader::number(const keys::Key& key, const toml::node& node, double min, double max, bool above_min) {
  if (!node.is_number()) fail(key.name, node, keys::expectation(key));
  const double value = *node.value<double>();
  // Written so that NaN fails.
  const bool in_range = (above_min ? value > min : value >= min) && value <= max;
  if (!in_range) fail(key.name, node, keys::expectation(key));
  return value;
}

void Reader::read_key(const keys::Key& key, const toml::node& node) {
  constexpr double largest = std::numeric_limits<double>::max();
  given_.names.insert(key.name);
  if (const auto* t = std::get_if<keys::Integer>(&key.type)) {
    const auto* value = node.as_integer();
    const bool all = !t->all.empty() && node.value<std::string>() == t->all;
    if (!all && (!value || value->get() < t->min || value->get() > t->max))
      fail(key.name, node, keys::expectation(key));
    t->field(given_.experiment) = all ? -1 : value->get();
  } else if (const auto* real = std::get_if<keys::Real>(&key.type)) {
    real->field(given_.experiment) = number(key, node, real->min, real->max, real->above_min);
  } else if (const auto* boolean = std::get_if<keys::Boolean>(&key.type)) {
    if (!node.is_boolean()) fail(key.name, node, keys::expectation(key));
    boolean->field(given_.experiment) = node.as_boolean()->get();
  } else if (const auto* word = std::get_if<keys::Choice>(&key.type)) {
    const std::string chosen =
        node.is_boolean() ? (node.as_boolean()->get() ? "true" : "false") : node.value<std::string>().value_or("");
    if (word->automatic && chosen == "auto") return;
    const auto found = std::find(word->words.begin(), word->words.end(), chosen);
    const bool boolean_word = chosen == "true" || chosen == "false";
    if (found == word->words.end() || boolean_word != node.is_boolean()) fail(key.name, node, keys::expectation(key));
    word->set(given_.experiment, static_cast<int>(found - word->words.begin()));
    if (word->automatic) given_.automatic_view = false;
  } else if (const auto* text = std::get_if<keys::Text>(&key.type)) {
    const auto* value = node.as_string();
    if (!value) fail(key.name, node, keys::expectation(key));
    text->field(given_.experiment) = value->get();
    try {  // a bare word of an override has not been through the parser; what is written must read back
      (void)toml::parse("value = " + keys::value_text(key, given_.experiment));
    } catch (const toml::parse_error&) {
      fail(key.name, node, keys::expectation(key) + " in UTF-8");
    }
  } else if (const auto* per_layer = std::get_if<keys::PerLayer>(&key.type)) {
    std::vector<double>& values = per_layer->field(given_.experiment);
    const toml::array* list = node.as_array();
    if (!list)
      values.push_back(number(key, node, 0, largest, false));
    else if (list->empty())
      fail(key.name, node, keys::expectation(key));
    else
      for (const toml::node& value : *list) values.push_back(number(key, value, 0, largest, false));
  } else if (std::holds_alternative<keys::Network>(key.type)) {
    read_network(key, node);
  } else {
    read_margins(key, node);
  }
}

void Reader::read_margins(const keys::Key& key, const toml::node& node) {
  const toml::array* list = node.as_array();
  if (!list || list->empty()) fail(key.name, node, keys::expectation(key));
  const auto pair = [&](const toml::array& values, const toml::node& at) {
    constexpr double largest = std::numeric_limits<double>::max();
    if (values.size() != 2) fail(key.name, at, keys::expectation(key));
    given_.experiment.margins.push_back(
        {number(key, *values.get(0), 0, largest, false), number(key, *values.get(1), 0, largest, false)});
  };
  if (!list->get(0)->is_array()) return pair(*list, node);
  for (const toml::node& item : *list) {
    if (!item.is_array()) fail(key.name, item, keys::expectation(key));
    pair(*item.as_array(), item);
  }
}

/// A pool has no weights and is no layer of its own: it becomes part of the layer below. Every activation is monotonic,
/// so the largest of a window is the same before and after it.
void Reader::read_pool(const toml::node& node, const std::string& prefix) {
  std::vector<LayerSpec>& layers = given_.experiment.network.layers;
  if (node.as_table()->size() > 1) fail(prefix, node, "a pool to be kind alone: its windows are 2x2");
  if (layers.empty()) fail(prefix, node, "a layer with weights below a pool");
  if (layers.back().down != Downsample::none)
    fail(prefix, node, "one pool or stride between two layers with weights: each halves the map once");
  layers.back().down = Downsample::max_pool;
}

void Reader::read_layer(const toml::node& node, const std::string& prefix) {
  if (!node.is_table()) fail(prefix, node, "a table such as {channels = 32, pool = true, activation = \"tanh\"}");
  LayerSpec layer;
  if (const toml::node* kind = node.as_table()->get("kind")) {
    const std::string word = kind->value<std::string>().value_or("");
    if (word == "pool") return read_pool(node, prefix);
    if (word == "local")
      layer.sharing = Sharing::local;
    else if (word != "conv")
      fail(prefix + ".kind", *kind, "one of \"conv\", \"local\", \"pool\"");
  }
  bool pool = false, stride = false;
  for (const auto& [part, value] : *node.as_table()) {
    const std::string name = prefix + "." + std::string(part.str());
    if (part == "channels")
      layer.channels = static_cast<int>(integer(name, value, 1, 65536));
    else if (part == "pool") {
      if (!value.is_boolean()) fail(name, value, "true or false");
      pool = value.as_boolean()->get();
    } else if (part == "stride") {
      stride = integer(name, value, 1, 2) == 2;
    } else if (part == "activation") {
      const auto& words = keys::activation_words();
      const auto found = std::find(words.begin(), words.end(), value.value<std::string>().value_or(""));
      if (found == words.end()) fail(name, value, "one of \"none\", \"hardtanh\", \"tanh\", \"relu\"");
      layer.activation = static_cast<Activation>(found - words.begin());
    } else if (part != "kind") {
      throw InputError(fmt::format(
          "{}: unknown key \"{}\"; a layer has kind, channels, pool, stride and activation, its kernels are "
          "3x3",
          where(name, value), name));
    }
  }
  if (layer.channels == 0) fail(prefix, node, "a table with channels");
  if (pool && stride)
    throw InputError(fmt::format("{}: {} has pool = true and stride = 2; expected one of them, each halves the map",
                                 where(prefix, node), prefix));
  if (pool || stride) layer.down = pool ? Downsample::max_pool : Downsample::stride;
  given_.experiment.network.layers.push_back(layer);
}

void Reader::read_network(const keys::Key& key, const toml::node& node) {
  NetworkSpec& network = given_.experiment.network;
  if (const auto* name = node.as_string()) {
    network = known_network(name->get());
    return;
  }
  const toml::table* table = node.as_table();
  if (!table) fail(key.name, node, keys::expectation(key));
  const toml::node* layers = table->get("layers");
  if (const toml::node* name = table->get("name")) {
    const std::string text = name->value<std::string>().value_or("");
    const auto plain = [](char c) {
      return std::isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '_' || c == '.';
    };
    if (text.empty() || text.size() > 64 || !std::all_of(text.begin(), text.end(), plain))
      fail("network.name", *name, "a name of up to 64 letters, digits, '-', '_' or '.'");
    if (!layers) network = known_network(text);
    network.name = text;
  }
  for (const auto& [part, value] : *table) {
    const std::string name = "network." + std::string(part.str());
    if (part == "embedding")
      network.embedding = static_cast<int>(integer(name, value, 1, 65536));
    else if (part == "head_average")
      given_.head_average = network.head_average = static_cast<int>(integer(name, value, 1, 2));
    else if (part == "layers") {
      if (!value.is_array() || value.as_array()->empty()) fail(name, value, "a list of layers");
      for (std::size_t i = 0; i < value.as_array()->size(); ++i)
        read_layer(*value.as_array()->get(i), fmt::format("network.layers[{}]", i));
    } else if (part != "name") {
      throw InputError(fmt::format("{}: unknown key \"{}\"; a network has name, embedding, head_average and layers",
                                   where(name, value), name));
    }
  }
}

}  // namespace

Experiment parse_experiment(std::string_view text, const std::string& origin, const std::vector<std::string>& overrides,
                            Mode mode) {
  std::vector<Override> placed;
  for (const std::string& assignment : overrides) placed.push_back({assignment, "--set " + assignment});
  return parse_overridden(text, origin, placed, mode);
}

Experiment parse_overridden(std::string_view text, const std::string& origin, const std::vector<Override>& overrides,
                            Mode mode) {
  Reader reader(parse_toml(text, origin), origin, mode);
  for (const Override& override : overrides) reader.set(override);
  return reader.read();
}

Experiment load_experiment(const std::filesystem::path& file, const std::vector<std::string>& overrides, Mode mode) {
  if (file.empty()) return parse_experiment("", "experiment", overrides, mode);
  return parse_experiment(read_text(file), file.string(), overrides, mode);
}

}  // namespace saccade
