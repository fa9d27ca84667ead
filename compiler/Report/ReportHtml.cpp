//===- ReportHtml.cpp - The report as one page ------------------------------------------===//
//
// Tables, and three plots as SVG inside the page: it needs no other file and no network.
//
//===----------------------------------------------------------------------===//

#include "compiler/Report/Report.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"
#include <algorithm>
#include <cmath>

using namespace llvm;

namespace qcc {
namespace {

constexpr const char *kStyle = R"(
body { font: 15px/1.5 system-ui, sans-serif; max-width: 52rem; margin: 2rem auto; padding: 0 1rem;
  color: #1b1f24; background: #fff }
h2 { margin-top: 2rem; font-size: 1.1rem }
table { border-collapse: collapse }
td, th { text-align: left; padding: .1rem 1.2rem .1rem 0; font-weight: normal; vertical-align: top }
td.n { text-align: right; font-variant-numeric: tabular-nums }
th { color: #59636e }
svg { width: 100%; height: auto; font: 11px system-ui, sans-serif }
svg text { fill: #59636e } .bar { fill: #2f6fbd } .line { fill: none; stroke: #2f6fbd; stroke-width: 2 }
.axis { stroke: #d1d9e0 } .warning { color: #9a4b00 }
@media (prefers-color-scheme: dark) {
  body { color: #e6e9ed; background: #14171a } .axis { stroke: #3a424a }
  th, svg text { color: #9aa4ae; fill: #9aa4ae } .warning { color: #f0a860 }
  .bar { fill: #6ea8e8 } .line { stroke: #6ea8e8 }
}
)";

/// Names come from model files.
std::string escaped(StringRef text) {
  std::string out;
  raw_string_ostream os(out);
  printHTMLEscaped(text, os);
  return out;
}

/// Area of a plot within its 720 x 240 picture.
constexpr double kLeft = 56, kRight = 710, kTop = 12, kBottom = 210;

class Page {
public:
  Page(raw_ostream &os) : os(os) {}

  void row(StringRef name, const Twine &value) {
    os << "<tr><th>" << escaped(name) << "</th><td>" << escaped(value.str()) << "</td></tr>\n";
  }

  void beginPlot(StringRef title) {
    os << "<h2>" << escaped(title) << "</h2>\n<svg viewBox=\"0 0 720 240\" role=\"img\">\n"
       << "<title>" << escaped(title) << "</title>\n";
  }
  void endPlot() { os << "</svg>\n"; }

  /// `anchor` is start, middle or end.
  void label(double x, double y, StringRef anchor, const Twine &text) {
    os << format("<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"", x, y) << anchor << "\">"
       << escaped(text.str()) << "</text>\n";
  }
  void bar(double x, double y, double width, double height, const Twine &hint) {
    os << format("<rect class=\"bar\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\">", x, y,
                 std::max(width, 0.0), std::max(height, 0.0))
       << "<title>" << escaped(hint.str()) << "</title></rect>\n";
  }
  void rule(double y) {
    os << format("<line class=\"axis\" x1=\"%.0f\" x2=\"%.0f\" y1=\"%.1f\" y2=\"%.1f\"/>\n", kLeft,
                 kRight, y, y);
  }
  /// Four marks of an axis from 0 to `most`.
  void scale(double most, StringRef unit) {
    for (int i = 0; i <= 4; ++i) {
      double y = kBottom + (kTop - kBottom) * i / 4;
      rule(y);
      label(kLeft - 6, y + 4, "end", number(most * i / 4) + unit);
    }
  }

  static std::string number(double value) {
    std::string text;
    raw_string_ostream(text) << format("%.3g", value);
    return text;
  }

  raw_ostream &os;
};

void plotLayers(Page &page, ArrayRef<LayerError> layers) {
  double most = 0;
  for (const LayerError &layer : layers)
    most = std::max(most, 100 * layer.hidden.value_or(0));
  if (!(most > 0) || !std::isfinite(most))
    return;
  page.beginPlot("Error of the hidden states, by layer");
  page.scale(most, " %");
  auto x = [&](size_t i) {
    return kLeft + (kRight - kLeft) * (i + 0.5) / static_cast<double>(layers.size());
  };
  page.os << "<polyline class=\"line\" points=\"";
  for (size_t i = 0; i < layers.size(); ++i)
    page.os << format("%.1f,%.1f ", x(i),
                      kBottom + (kTop - kBottom) * 100 * layers[i].hidden.value_or(0) / most);
  page.os << "\"/>\n";
  size_t step = std::max<size_t>(1, layers.size() / 12);
  for (size_t i = 0; i < layers.size(); i += step)
    page.label(x(i), kBottom + 18, "middle", Twine(i));
  page.endPlot();
}

void plotBytes(Page &page, ArrayRef<NamedBytes> bytes) {
  uint64_t most = 0;
  for (const NamedBytes &part : bytes)
    most = std::max(most, part.bytes);
  if (most == 0)
    return;
  page.beginPlot("Bytes, by kind");
  double height = std::min(34.0, (kBottom - kTop) / bytes.size());
  for (size_t i = 0; i < bytes.size(); ++i) {
    double y = kTop + i * height, width = (kRight - 150 - 90) * bytes[i].bytes / double(most);
    page.label(140, y + height / 2 + 4, "end", bytes[i].name);
    std::string size = Page::number(bytes[i].bytes / 1e6) + " MB";
    page.bar(150, y + 2, width, height - 4, size);
    page.label(150 + width + 6, y + height / 2 + 4, "start", size);
  }
  page.endPlot();
}

/// How many positions have which divergence, by powers of ten.
void plotDivergences(Page &page, ArrayRef<float> divergences) {
  constexpr int kLow = -6, kHigh = 1, kParts = 6, kBins = (kHigh - kLow) * kParts;
  if (divergences.empty())
    return;
  std::vector<int64_t> counts(kBins);
  for (float value : divergences) {
    double place = (std::log10(std::max(double(value), 1e-30)) - kLow) * kParts;
    ++counts[static_cast<size_t>(std::clamp(place, 0.0, double(kBins - 1)))];
  }
  int64_t most = *std::max_element(counts.begin(), counts.end());
  page.beginPlot("KL divergence of the held-out positions (nats)");
  page.scale(100.0 * most / divergences.size(), " %");
  double width = (kRight - kLeft) / kBins;
  for (int i = 0; i < kBins; ++i) {
    double height = (kBottom - kTop) * counts[i] / most;
    page.bar(kLeft + i * width + 0.5, kBottom - height, width - 1, height,
             Twine(counts[i]) + " positions");
  }
  for (int power = kLow; power <= kHigh; ++power)
    page.label(kLeft + (power - kLow) * kParts * width, kBottom + 18, "middle",
               (power == kLow ? "≤ " : "") + Page::number(std::pow(10.0, power)));
  page.endPlot();
}

void tableOfGrids(Page &page, ArrayRef<GridUse> grids) {
  page.os << "<h2>Grids</h2>\n<table><tr><th>weights</th><th>grid</th><th>matrices</th><th>MB</th>"
             "<th>bits each</th></tr>\n";
  for (const GridUse &use : grids)
    page.os << "<tr><td>" << escaped(use.kind) << "</td><td>" << escaped(use.grid)
            << "</td><td class=\"n\">" << use.instances << "</td>"
            << format("<td class=\"n\">%.2f</td><td class=\"n\">%.3f</td></tr>\n", use.bytes / 1e6,
                      use.elements ? 8.0 * use.bytes / use.elements : 0.0);
  page.os << "</table>\n";
}

void tableOfMatrices(Page &page, ArrayRef<LayerError> layers) {
  if (all_of(layers, [](const LayerError &layer) { return layer.matrices.empty(); }))
    return;
  page.os << "<h2>Error of what each matrix puts out</h2>\n<details><summary>all matrices</summary>"
             "<table>\n";
  for (const LayerError &layer : layers)
    for (const MatrixError &matrix : layer.matrices)
      page.os << "<tr><td>" << escaped(matrix.source)
              << format("</td><td class=\"n\">%.2f %%</td></tr>\n", 100 * matrix.relative);
  page.os << "</table></details>\n";
}

} // namespace

std::string CompileReport::html() const {
  std::string text;
  raw_string_ostream os(text);
  Page page(os);
  os << "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n<meta "
        "name=\"viewport\" "
        "content=\"width=device-width\">\n<title>"
     << escaped(model) << "</title>\n<style>" << kStyle << "</style></head><body>\n<h1>"
     << escaped(model) << "</h1>\n";
  for (const std::string &warning : warnings)
    os << "<p class=\"warning\">" << escaped(warning) << "</p>\n";
  os << "<table>\n";
  page.row("compiler", compiler);
  page.row("target", target);
  page.row("file", Page::number(fileBytes / 1e6) + " MB, " + Page::number(fileBits()) +
                       " bits per parameter");
  page.row("layers", Page::number(layerBits) + " bits per weight");
  if (!methods.empty())
    page.row("methods", methods);
  if (calibration) {
    page.row("calibration", calibration->path + ", " + Twine(calibration->windows) +
                                " windows of " + Twine(calibration->window) + " tokens");
    page.row("its SHA-256", calibration->hash);
  }
  double seconds = 0;
  for (const NamedSeconds &time : times)
    seconds += time.seconds;
  page.row("took",
           Page::number(seconds) + " s, " + Page::number(peakBytes / 1e6) + " MB of memory");
  os << "</table>\n";
  if (quality) {
    os << "<h2>Quality on held-out windows</h2>\n<table>\n";
    std::string lines = quality->lines();
    SmallVector<StringRef> parts;
    StringRef(lines).split(parts, '\n', -1, /*KeepEmpty=*/false);
    for (StringRef part : parts)
      page.row(part.split(": ").first, part.split(": ").second);
    os << "</table>\n";
  }
  plotLayers(page, layers);
  plotBytes(page, bytes);
  plotDivergences(page, divergences);
  tableOfGrids(page, grids);
  tableOfMatrices(page, layers);
  os << "<h2>Time</h2>\n<table>\n";
  for (const NamedSeconds &time : times)
    page.row(time.name, Page::number(time.seconds) + " s");
  os << "</table>\n</body></html>\n";
  return text;
}

} // namespace qcc
