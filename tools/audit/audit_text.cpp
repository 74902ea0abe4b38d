#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "tools/audit/audit.h"

namespace saccade {

std::string audit_text(const Audit& a) {
  std::string text = fmt::format("as saccade {} runs it: {}\n\n{:<66} {:<8} {}\n", a.batches ? "train" : "replay",
                                 a.configuration, "condition", "verdict", "where");
  for (const Audit::Condition& c : a.conditions)
    text += fmt::format("{:<66} {:<8} {}\n    {}\n", c.name, to_string(c.verdict), c.where, c.why);
  text += fmt::format("\n{:<48} {:<22} {}\n", "what a change reads", "by", "how old");
  for (const Audit::Read& r : a.reads) text += fmt::format("{:<48} {:<22} {}\n", r.quantity, r.by, r.age);
  text += fmt::format("\n{:<53} {:>13}\n", "what is kept besides the weights", "floats");
  for (const Audit::Kept& k : a.kept) text += fmt::format("{:<53} {:>13.0f}\n", k.what, k.floats);
  text += "\nwhat else it needs\n";
  for (const std::string& need : a.needs) text += "  " + need + "\n";
  return text;
}

std::string audit_json(const Audit& a) {
  using Json = nlohmann::ordered_json;
  Json conditions = Json::array(), reads = Json::array(), kept = Json::array();
  for (const Audit::Condition& c : a.conditions)
    conditions.push_back(
        {{"key", c.key}, {"name", c.name}, {"verdict", to_string(c.verdict)}, {"where", c.where}, {"why", c.why}});
  for (const Audit::Read& r : a.reads)
    reads.push_back(
        {{"quantity", r.quantity}, {"by", r.by}, {"age", r.age}, {"seconds", r.seconds ? Json(*r.seconds) : Json()}});
  for (const Audit::Kept& k : a.kept) kept.push_back({{"what", k.what}, {"floats", k.floats}});
  const Json json = {{"command", a.batches ? "train" : "replay"},
                     {"configuration", a.configuration},
                     {"conditions", conditions},
                     {"reads", reads},
                     {"kept", kept},
                     {"needs", a.needs}};
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace saccade
