//===- ReportTest.cpp - What a compilation made of a model -----------------------------===//

#include "compiler/Report/Report.h"
#include "compiler/Report/Gather.h"
#include "dialects/QuantExt/Codec/Presets.h"
#include "mlir/Parser/Parser.h"
#include "test/unit/Calibration/TestModel.h"

using namespace qcc;
using namespace qcc::test;

namespace {

CompileReport example() {
  CompileReport report;
  report.model = "tiny <b>";
  report.compiler = "qcc 1";
  report.target = "x86_64 znver5";
  report.methods = "importance+gptq";
  report.grids = {{"layer.q", "int4 in groups of 32", 2, 8192, 4608}};
  report.bytes = {{"attention", 4608}, {"norms", 512}, {"program", 100000}};
  report.parameters = 10000;
  report.layerBits = 4.5;
  report.fileBytes = 120000;
  report.calibration = {"dir/text & more", "ab12", 32, 512, 4};
  report.layers.resize(2);
  report.layers[0] = {0.01, {{"layers.0.q", 0.05}}};
  report.layers[1] = {0.02, {{"layers.1.q", 0.06}}};
  Quality quality;
  quality.positions = 3;
  quality.perplexityFloat = 20;
  quality.perplexity = 21;
  quality.divergence = 0.04;
  quality.sameTop = 0.9;
  report.quality = quality;
  report.divergences = {0.001f, 0.02f, 0.1f};
  report.warnings = {"mind the <gap>"};
  report.times = {{"import", 0.5}, {"weights", 1.5}};
  report.peakBytes = 300000000;
  return report;
}

void expectParts(const std::string &text, std::initializer_list<const char *> parts) {
  for (const char *part : parts)
    EXPECT_NE(text.find(part), std::string::npos) << part << " is not in:\n" << text;
}

TEST(Report, SummaryIsWhatTheSameInputGivesAgain) {
  CompileReport report = example(), other = example();
  expectParts(report.summary(),
              {"bits per weight: 4.500 in the layers\n", "methods: importance+gptq\n",
               "calibration: 32 windows of 512 tokens, SHA-256 ab12\n",
               "held-out perplexity: 21.0000 (float 20.0000, +5.00 %)\n",
               "held-out KL divergence: mean 0.04000", "held-out same top token: 90.00 %\n"});
  other.times.front().seconds = 7;
  other.peakBytes = 1;
  other.calibration->path = "elsewhere";
  EXPECT_EQ(report.summary(), other.summary());
}

TEST(Report, Text) {
  expectParts(example().text(),
              {"4.500 bits each in the layers, 96.000 in the file (0.1 MB)", "attention 0.00 MB",
               "dir/text & more: 32 windows of 512 tokens",
               "off by 1.00 % after the first layer, 2.00 % after the last",
               "perplexity 21.000 (float 20.000, +5.00 %)", "2.0 s, 300 MB of memory"});
}

TEST(Report, TextWithoutCalibration) {
  CompileReport report;
  report.fileBytes = 1000;
  std::string text = report.text();
  EXPECT_EQ(text.find("calibration"), std::string::npos);
  EXPECT_EQ(text.find("held out"), std::string::npos);
  EXPECT_EQ(report.summary(), "");
  EXPECT_EQ(report.fileBits(), 0);
}

TEST(Report, Json) {
  TempDir directory;
  std::string path = directory.path("report.json");
  ASSERT_EQ(failureOf(writeReport(example(), path)).text, "");
  Bytes bytes = readBytes(path);
  nlohmann::json json = nlohmann::json::parse(bytes.begin(), bytes.end(), nullptr, false);
  ASSERT_TRUE(json.is_object());
  EXPECT_EQ(json["bits_per_weight"]["layers"], 4.5);
  EXPECT_EQ(json["bytes"]["attention"], 4608);
  EXPECT_EQ(json["grids"][0]["kind"], "layer.q");
  EXPECT_EQ(json["calibration"]["sha256"], "ab12");
  EXPECT_EQ(json["calibration"]["held_out_windows"], 4);
  EXPECT_EQ(json["layers"].size(), 2u);
  EXPECT_EQ(json["layers"][1]["hidden_state_error"], 0.02);
  EXPECT_EQ(json["layers"][1]["output_errors"]["layers.1.q"], 0.06);
  EXPECT_EQ(json["held_out"]["kl_divergence"]["mean"], 0.04);
  EXPECT_EQ(json["seconds"]["weights"], 1.5);
  EXPECT_EQ(json["peak_memory_bytes"], 300000000);
}

TEST(Report, HtmlIsOnePage) {
  TempDir directory;
  std::string path = directory.path("report.html");
  ASSERT_EQ(failureOf(writeReport(example(), path)).text, "");
  Bytes bytes = readBytes(path);
  std::string html(bytes.begin(), bytes.end());
  expectParts(html,
              {"<!DOCTYPE html>", "tiny &lt;b&gt;", "mind the &lt;gap&gt;", "dir/text &amp; more",
               "Error of the hidden states, by layer", "Bytes, by kind",
               "KL divergence of the held-out positions", "layers.1.q", "</html>"});
  // Nothing is loaded from elsewhere.
  for (const char *part : {"http", "src=", "href=", "<script"})
    EXPECT_EQ(html.find(part), std::string::npos) << part;
  size_t plots = 0;
  for (size_t at = html.find("<svg"); at != std::string::npos; at = html.find("<svg", at + 1))
    ++plots;
  EXPECT_EQ(plots, 3u);
}

TEST(Report, HtmlWithoutCalibration) {
  std::string html = CompileReport().html();
  EXPECT_EQ(html.find("<svg"), std::string::npos);
  EXPECT_EQ(html.find("nan"), std::string::npos);
}

TEST(Report, WarnsOfALossThatIsTooLarge) {
  Quality quality;
  quality.perplexityFloat = 20;
  quality.perplexity = 21.9;
  EXPECT_TRUE(qualityWarnings(quality).empty());
  quality.perplexity = 23;
  std::vector<std::string> warnings = qualityWarnings(quality);
  ASSERT_EQ(warnings.size(), 1u);
  expectParts(warnings[0], {"rises by 15.0 %", "-bits=auto", "-calib"});
  quality.perplexity = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(qualityWarnings(quality).size(), 1u);
}

TEST(Grids, HaveNames) {
  EXPECT_EQ(describeGrid(integerScheme(4, 32, false)), "int4 in groups of 32");
  EXPECT_EQ(describeGrid(integerScheme(8, 0, false)), "int8 by rows");
  EXPECT_EQ(describeGrid(integerScheme(3, 64, true)), "int3 in groups of 64, asymmetric");
  EXPECT_EQ(describeGrid(codebookScheme(4, 32, true)), "codebook4 in groups of 32, int8 scales");
  EXPECT_EQ(describeGrid(nf4Scheme(64, false)), "nf4 in groups of 64");
  EXPECT_EQ(describeGrid(ggufScheme(GgufType::Q4_K)),
            "int4 in groups of 32, int8 scales, super-blocks of 256, asymmetric");
  EXPECT_EQ(describeGrid(floatScheme(CodeKind::BF16)), "bf16");
}

class GatheredReports : public TestModel {};

TEST_F(GatheredReports, CountEveryWeight) {
  CompilerOptions options;
  options.bits = 4;
  auto module = model->import(&context, options);
  ASSERT_TRUE(bool(module)) << failureOf(module.takeError()).text;
  for (Phase phase : {Phase::Quantize, Phase::Pack}) {
    mlir::PassManager manager(&context);
    buildPipeline(manager, phase, options);
    ASSERT_TRUE(mlir::succeeded(manager.run(**module)));
  }
  CompileReport report;
  addWeights(**module, report);
  EXPECT_EQ(report.methods, "rtn");
  // K is a multiple of 32 everywhere: 4 bits and a binary16 for each group.
  EXPECT_DOUBLE_EQ(report.layerBits, 4.5);
  int64_t layer = 2 * 64 * 64 + 2 * 32 * 64 + 3 * 160 * 64 + 2 * 64;
  EXPECT_EQ(report.parameters, 2 * layer + 384 * 64 + 64);
  std::map<std::string, uint64_t> bytes;
  for (const NamedBytes &part : report.bytes)
    bytes[part.name] = part.bytes;
  EXPECT_EQ(bytes.size(), 4u);
  EXPECT_EQ(bytes["attention"], 2 * (2 * 64 * 64 + 2 * 32 * 64) * 4.5 / 8);
  EXPECT_EQ(bytes["ffn"], 2 * 3 * 160 * 64 * 4.5 / 8);
  EXPECT_EQ(bytes["norms"], 5 * 64 * 4u);
  EXPECT_EQ(bytes["embedding"], 384 * 64 * 8.5 / 8);
  EXPECT_GT(peakMemory(), uint64_t(1) << 20);
}

} // namespace
