#include "models/rule.h"

#include "engine/error.h"

namespace saccade {

Rule make_rule(const std::string& name) {
  if (name == "bp") return {name, false, false, false};
  if (name == "rf") return {name, true, false, false};
  if (name == "urf") return {name, true, true, false};
  if (name == "sign") return {name, true, true, true};
  if (name == "sign-forward") return {name, false, false, true};
  if (name == "dtp") return {name, false, false, false, true};
  throw InputError("rule: no rule is called \"" + name + "\"; known are bp, rf, urf, sign, sign-forward and dtp");
}

}  // namespace saccade
