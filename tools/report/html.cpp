#include "tools/report/html.h"

#include "tools/report/plot.h"

namespace saccade {
namespace {

/// Length of the valid UTF-8 sequence at the start of `text`, 0 if there is none.
std::size_t utf8_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  const std::size_t length = first < 0x80                    ? 1
                             : first >= 0xC2 && first < 0xE0 ? 2
                             : (first & 0xF0) == 0xE0        ? 3
                             : first >= 0xF0 && first < 0xF5 ? 4
                                                             : 0;
  if (length == 0 || length > text.size()) return 0;
  for (std::size_t i = 1; i < length; ++i)
    if ((byte(i) & 0xC0) != 0x80) return 0;
  // Overlong forms, surrogates and what lies beyond the last code point.
  if (length == 3 && ((first == 0xE0 && byte(1) < 0xA0) || (first == 0xED && byte(1) >= 0xA0))) return 0;
  if (length == 4 && ((first == 0xF0 && byte(1) < 0x90) || (first == 0xF4 && byte(1) >= 0x90))) return 0;
  return length;
}

constexpr std::string_view page_css = R"(
:root{color-scheme:light dark;--ink:#1d2125;--faint:#5b6570;--paper:#fff;--rule:#dfe3e8;--panel:#f5f6f8}
@media screen and (prefers-color-scheme:dark){:root{--ink:#e6e8ea;--faint:#a2abb5;--paper:#16191c;--rule:#343a41;--panel:#1f2428}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:1100px;padding:1.5rem 1rem 3rem;background:var(--paper);color:var(--ink);font:15px/1.45 system-ui,"DejaVu Sans",sans-serif}
h1{font-size:1.6rem;margin:0 0 .2rem}
h2{font-size:1.15rem;margin:2rem 0 .6rem;padding-top:.8rem;border-top:1px solid var(--rule)}
p{max-width:72ch}
.faint,figcaption{color:var(--faint)}
figcaption{font-size:.85rem;max-width:80ch;margin-top:.3rem}
table{border-collapse:collapse;font-variant-numeric:tabular-nums}
td,th{padding:.25rem .9rem .25rem 0;text-align:left;border-bottom:1px solid var(--rule);vertical-align:top}
td.number,th.number{text-align:right;white-space:nowrap}
.scroll{overflow-x:auto;margin-bottom:1rem}
.plots{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,400px),1fr));gap:1rem 1.4rem}
.multiples{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,230px),1fr));gap:.8rem 1rem}
figure{margin:0;max-width:46rem}
pre{background:var(--panel);padding:.8rem 1rem;overflow-x:auto;font-size:.82rem;line-height:1.4}
img{image-rendering:pixelated;max-width:100%}
code{overflow-wrap:break-word}
@media screen and (max-width:600px){td,th{padding-right:.6rem}.facts,.facts tbody,.facts tr,.facts td,.facts th{display:block}.facts td,.facts th{border:0;padding:0}.facts tr{padding:.3rem 0;border-bottom:1px solid var(--rule)}}
@media print{.scroll{overflow:visible}.scroll table{font-size:9px}.scroll td,.scroll th{padding-right:.5rem;overflow-wrap:anywhere}body{max-width:none;padding:0;font-size:11px}h2,h3,h2+p,.legend,tr:first-child{break-after:avoid}figure,tr{break-inside:avoid}pre{white-space:pre-wrap;columns:2}.plots{grid-template-columns:1fr 1fr}}
)";

}  // namespace

std::string escape_html(std::string_view text) {
  std::string escaped;
  escaped.reserve(text.size());
  while (!text.empty()) {
    const std::size_t length = utf8_length(text);
    const auto c = static_cast<unsigned char>(text[0]);
    if (length == 0 || (c < 0x20 && c != '\n' && c != '\t'))
      escaped += "\xEF\xBF\xBD";
    else if (c == '&')
      escaped += "&amp;";
    else if (c == '<')
      escaped += "&lt;";
    else if (c == '>')
      escaped += "&gt;";
    else if (c == '"')
      escaped += "&quot;";
    else if (c == '\'')
      escaped += "&#39;";
    else
      escaped += text.substr(0, length);
    text.remove_prefix(length == 0 ? 1 : length);
  }
  return escaped;
}

std::string html_page(std::string_view title, std::string_view body) {
  std::string page =
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>";
  page += escape_html(title);
  page += "</title>\n<style>";
  page += page_css;
  page += plot_css();
  page += "</style>\n</head>\n<body>\n";
  page += body;
  page += "</body>\n</html>\n";
  return page;
}

}  // namespace saccade
