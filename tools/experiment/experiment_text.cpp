#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "tools/experiment/experiment_keys.h"

namespace saccade {
namespace keys {
namespace {

template <class... F>
struct Overloaded : F... {
  using F::operator()...;
};
template <class... F>
Overloaded(F...) -> Overloaded<F...>;  // clang 14 needs it

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0]++;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t substituted = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({substituted, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row.back();
}

std::string in_quotes(const std::string& word) { return word == "true" || word == "false" ? word : "\"" + word + "\""; }

std::vector<std::string> all_words(const Choice& type) {
  std::vector<std::string> words = type.words;
  if (type.automatic) words.insert(words.begin(), "auto");
  return words;
}

std::string per_layer_text(const std::vector<double>& values) {
  if (values.size() == 1) return real_text(values[0]);
  std::vector<std::string> texts;
  for (double value : values) texts.push_back(real_text(value));
  return fmt::format("[{}]", fmt::join(texts, ", "));
}

std::string margins_text(const Experiment& experiment) {
  std::vector<std::string> pairs;
  for (const auto& m : experiment.margins)
    pairs.push_back(fmt::format("[{}, {}]", real_text(m.positive), real_text(m.negative)));
  return pairs.size() == 1 ? pairs[0] : fmt::format("[{}]", fmt::join(pairs, ", "));
}

std::string down_text(Downsample down) {
  if (down == Downsample::stride) return "stride = 2";
  return down == Downsample::max_pool ? "pool = true" : "pool = false";
}

/// A known network by its name, another one in full. The image size is not written: it is that of the data set.
std::string network_text(const NetworkSpec& network) {
  for (const char* name : {"conv3", "conv5", "vgg6", "conv3-strided", "conv5-strided", "vgg6-strided"}) {
    const NetworkSpec known = known_network(name);
    if (network.name == name && network.layers == known.layers && network.embedding == known.embedding &&
        network.head_average == known.head_average)
      return in_quotes(name);
  }
  std::vector<std::string> layers;
  for (const LayerSpec& layer : network.layers)
    layers.push_back(fmt::format(
        "{{{}channels = {}, {}, activation = \"{}\"}}", layer.sharing == Sharing::local ? "kind = \"local\", " : "",
        layer.channels, down_text(layer.down), activation_words()[static_cast<std::size_t>(layer.activation)]));
  const std::string average =
      network.head_average == 1 ? std::string() : fmt::format("head_average = {}, ", network.head_average);
  return fmt::format("{{name = \"{}\", embedding = {}, {}layers = [{}]}}", network.name, network.embedding, average,
                     fmt::join(layers, ", "));
}

std::string type_name(const Key& key) {
  return std::visit(
      Overloaded{[](const Integer&) { return "integer"; }, [](const Real&) { return "number"; },
                 [](const Boolean&) { return "boolean"; }, [](const Choice&) { return "word"; },
                 [](const Text&) { return "string"; }, [](const PerLayer&) { return "number or list"; },
                 [](const Network&) { return "word or table"; }, [](const Margins&) { return "pair or pairs"; },
                 [](const Shorthand&) { return "number"; }},
      key.type);
}

std::string range_text(const Key& key) {
  return std::visit(
      Overloaded{[](const Integer& t) {
                   const std::string numbers =
                       t.max >= 1'000'000'000'000 ? fmt::format(">= {}", t.min) : fmt::format("{} to {}", t.min, t.max);
                   return t.all.empty() ? numbers : numbers + " " + t.all;
                 },
                 [](const Real& t) { return t.above_min ? fmt::format("> {}", t.min) : fmt::format(">= {}", t.min); },
                 [](const Boolean&) { return std::string("true false"); },
                 [](const Choice& t) { return fmt::format("{}", fmt::join(all_words(t), " ")); },
                 [](const Text&) { return std::string("any"); }, [](const PerLayer&) { return std::string(">= 0"); },
                 [](const Network&) { return std::string("conv3 conv5 vgg6"); },
                 [](const Margins&) { return std::string(">= 0"); },
                 [](const Shorthand&) { return std::string(">= 0"); }},
      key.type);
}

}  // namespace

std::string nearest(std::string_view name) {
  std::string best;
  std::size_t least = std::string::npos;
  const auto offer = [&](std::string_view spelling, const std::string& key) {
    const std::size_t distance = edit_distance(name, spelling);
    if (distance < least) least = distance, best = key;
  };
  for (const Key& key : table()) {
    offer(key.name, key.name);
    const std::size_t dot = key.name.rfind('.');
    if (dot != std::string::npos && name.find('.') == std::string_view::npos) offer(key.name.substr(dot + 1), key.name);
  }
  return best;
}

std::string expectation(const Key& key) {
  return std::visit(
      Overloaded{[](const Integer& t) {
                   const std::string numbers = t.max >= 1'000'000'000'000
                                                   ? fmt::format("an integer of at least {}", t.min)
                                                   : fmt::format("an integer from {} to {}", t.min, t.max);
                   return t.all.empty() ? numbers : numbers + " or " + in_quotes(t.all);
                 },
                 [](const Real& t) {
                   const std::string limit =
                       fmt::format("a number {} {}", t.above_min ? "above" : "of at least", t.min);
                   return std::isinf(t.max) ? limit + " (inf is allowed)"
                                            : limit + fmt::format(" and at most {:g}", t.max);
                 },
                 [](const Boolean&) { return std::string("true or false"); },
                 [](const Text&) { return std::string("a string"); },
                 [](const Choice& t) {
                   std::vector<std::string> words = all_words(t);
                   for (std::string& word : words) word = in_quotes(word);
                   return (words.size() == 1 ? "" : "one of ") + fmt::format("{}", fmt::join(words, ", "));
                 },
                 [](const PerLayer&) {
                   return std::string("a finite number of at least 0, or a list of them, one per layer");
                 },
                 [](const Network&) {
                   return std::string(
                       "\"conv3\", \"conv5\", \"vgg6\" or a table with name, embedding, head_average and layers");
                 },
                 [](const Margins&) {
                   return std::string("a pair [m1, m2] of finite numbers of at least 0, or a list of pairs");
                 },
                 [](const Shorthand&) { return std::string("a number, or a table with conv and head"); }},
      key.type);
}

std::string real_text(double value) {
  std::string text = fmt::format("{}", value);
  if (text.find_first_of(".einf") == std::string::npos) text += ".0";
  return text;
}

std::string value_text(const Key& key, const Experiment& experiment) {
  auto& e = const_cast<Experiment&>(experiment);  // the fields are only read here
  return std::visit(
      Overloaded{[&](const Integer& t) {
                   return t.field(e) == -1 && !t.all.empty() ? in_quotes(t.all) : fmt::format("{}", t.field(e));
                 },
                 [&](const Real& t) { return real_text(t.field(e)); },
                 [&](const Boolean& t) { return fmt::format("{}", t.field(e)); },
                 [&](const Choice& t) { return in_quotes(t.words.at(static_cast<std::size_t>(t.get(e)))); },
                 [&](const Text& t) { return toml_string(t.field(e)); },
                 [&](const PerLayer& t) { return per_layer_text(t.field(e)); },
                 [&](const Network&) { return network_text(experiment.network); },
                 [&](const Margins&) { return margins_text(experiment); },
                 [](const Shorthand&) { return std::string(); }},
      key.type);
}

}  // namespace keys

std::string write_experiment(const Experiment& experiment) {
  // Dotted keys rather than [tables]: every line stands for itself and can be handed to --set.
  std::string text;
  for (const keys::Key& key : keys::table())
    if (!std::holds_alternative<keys::Shorthand>(key.type) && keys::applies(key.name, experiment))
      text += fmt::format("{} = {}\n", key.name, keys::value_text(key, experiment));
  return text;
}

std::string experiment_value(const Experiment& experiment, std::string_view key) {
  const keys::Key* found = keys::find(key);
  return found ? keys::value_text(*found, experiment) : std::string();
}

std::string experiment_word(const Experiment& experiment, std::string_view key) {
  const std::string quoted = experiment_value(experiment, key);
  return quoted.substr(1, quoted.size() - 2);
}

std::string toml_string(const std::string& text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\')
      quoted += {'\\', c};
    else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
      quoted += fmt::format("\\u{:04X}", static_cast<unsigned char>(c));
    else
      quoted += c;
  }
  return quoted + "\"";
}

std::string data_name(Experiment::Data data) {
  return std::get<keys::Choice>(keys::find("data")->type).words.at(static_cast<std::size_t>(data));
}

Experiment::Data probe_data(const Experiment& e) {
  return e.probe.data == Experiment::ProbeData::same
             ? e.data
             : static_cast<Experiment::Data>(static_cast<int>(e.probe.data) - 1);
}

bool probe_reads_more(const Experiment& e) {
  return probe_data(e) != e.data || (e.probe.test == Experiment::ProbeTest::train && e.images > 0);
}

std::string list_experiment_keys(Mode mode) {
  const Experiment defaults = keys::defaults(mode);
  std::vector<std::vector<std::string>> rows{{"key", "type", "default", "unit", "values"}};
  std::vector<std::string> meanings{"meaning"};
  for (const keys::Key& key : keys::table()) {
    const std::string value = key.default_text.empty() ? keys::value_text(key, defaults) : key.default_text;
    rows.push_back({key.name, keys::type_name(key), value, key.unit, keys::range_text(key)});
    meanings.push_back(key.description);
  }
  std::vector<std::size_t> widths(rows[0].size(), 0);
  for (const auto& row : rows)
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  std::string text;
  for (std::size_t r = 0; r < rows.size(); ++r) {
    for (std::size_t i = 0; i < rows[r].size(); ++i) text += fmt::format("{:<{}}  ", rows[r][i], widths[i]);
    text += meanings[r] + "\n";
  }
  text +=
      "\nA network of your own, in the experiment file (activations: none hardtanh tanh relu):\n"
      "  [network]\n  embedding = 64\n"
      "  layers = [{channels = 32, pool = true, activation = \"tanh\"}, {channels = 64, stride = 2}]\n"
      "  head_average = 2  # heads and probes read maps averaged over windows of 2x2; 1 = the maps themselves\n"
      "A layer's kind is \"conv\" (3x3 convolution, the default) or \"local\" (3x3, weights of every position's own);\n"
      "{kind = \"pool\"} after a layer is the same as pool = true in it.\n"
      "Known networks: conv3, conv5, vgg6; with -strided behind the name they halve their maps by a stride of 2, not a "
      "pool.\n";
  return text;
}

}  // namespace saccade
