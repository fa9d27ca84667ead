//===- HeaderWriterTest.cpp
//------------------------------------------------===//
//
// That the header compiles and is right is checked by artifact_test.py.
//
//===----------------------------------------------------------------------===//
#include "compiler/Emit/HeaderWriter.h"

#include <gtest/gtest.h>

using namespace qcc;

TEST(HeaderWriter, MakesIdentifiers) {
  struct {
    const char *name, *want;
  } const cases[] = {{"model", "model"}, {"a/b:0", "a_b_0"}, {"", "_"},
                     {"3d", "_3d"},      {"\xC3\xA4", "__"}, {"a b", "a_b"}};
  for (const auto &c : cases)
    EXPECT_EQ(cIdentifier(c.name), c.want);
}

static HeaderModel small() {
  HeaderModel model;
  model.name = "net";
  model.inputs = {{"x", QCC_F32, {-1, 3}}, {"x.y", QCC_BOOL, {}}, {"x/y", QCC_F16, {2}}};
  model.outputs = {{"out", QCC_I64, {INT64_MIN}}};
  model.dimNames = {"batch"};
  model.dimMax = {8};
  model.weightBytes = 77;
  return model;
}

TEST(HeaderWriter, SaysWhatTheModelIs) {
  std::string text = headerText(small());
  for (const char *part :
       {"0  x: float [batch, 3]", "1  x.y: uint8_t (0 or 1) []", "0  out: int64_t [see sizes]",
        "batch (at most 8)", "Weights: 77 bytes, mapped read-only", "#ifndef QCC_NET_H",
        "qcc_net_input_x_y = 1,", "qcc_net_input_x_y_2 = 2,", "qcc_net_num_inputs = 3",
        "int qcc_net_create(", "int qcc_net_run(", "void qcc_net_destroy(",
        "NULL: in the library's own file"})
    EXPECT_NE(text.find(part), std::string::npos) << part << "\n" << text;
}

TEST(HeaderWriter, NamesCannotLeaveTheComment) {
  HeaderModel model = small();
  model.name = "evil */ int x; /*";
  model.inputs[0].name = "*/\nint y;";
  model.dimNames[0] = "*/ #error";
  std::string text = headerText(model);
  size_t end = text.find("*/");
  EXPECT_EQ(text.substr(end - 19, 19), "an internal error. ");
  EXPECT_EQ(text.find("int y;\n#"), std::string::npos);
}

TEST(HeaderWriter, SaysWhereWeightsLie) {
  HeaderModel model = small();
  model.weightsBeside = true;
  EXPECT_NE(headerText(model).find("in a file beside the library"), std::string::npos);
}
