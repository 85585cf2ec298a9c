// What ML-EXray's C++ monitor does with the tensors of a frame: each tensor's values are appended to a vector of
// floats one by one, then written to a text file one by one through an ofstream, a space before each. Written
// anew from its description, because the original needs TensorFlow's and OpenCV's sources to build; its printing
// loop stops early by mistake (it takes the number of layers for the number of values), this one does not.
//
//   mlexray_loops SIZES FRAMES FOLDER     SIZES: elements of each tensor, with commas
//
// Prints the seconds of each frame, one a line.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <sstream>
#include <string>
#include <vector>

static std::vector<float> log_tensor(const float *values, size_t count) {
  std::vector<float> copy;
  for (size_t i = 0; i < count; i++) copy.push_back(values[i]);
  return copy;
}

int main(int argc, char **argv) {
  if (argc != 4) {
    std::cerr << "usage: mlexray_loops SIZES FRAMES FOLDER\n";
    return 2;
  }
  std::vector<std::vector<float>> tensors;
  std::stringstream sizes(argv[1]);
  unsigned state = 1;
  for (std::string size; std::getline(sizes, size, ',');) {
    std::vector<float> tensor(std::strtoul(size.c_str(), nullptr, 10));
    for (float &value : tensor) {
      state = state * 1664525u + 1013904223u;
      // Activations after a ReLU: half of them are zero.
      value = state & 0x80000000u ? 0 : static_cast<float>(state >> 8) / (1 << 24) * 6;
    }
    tensors.push_back(tensor);
  }
  for (int frame = 0; frame < std::atoi(argv[2]); frame++) {
    auto begin = std::chrono::steady_clock::now();
    std::vector<std::vector<float>> layers;
    for (const auto &tensor : tensors) layers.push_back(log_tensor(tensor.data(), tensor.size()));
    char name[16];
    std::snprintf(name, sizeof name, "/%08d", frame);
    std::string path = std::string(argv[3]) + name;
    std::ofstream stream(path, std::ofstream::app);
    stream << "Layer Outputs:" << std::endl;
    for (size_t i = 0; i < layers.size(); i++) {
      stream << "Layer id " << i << ", Layer dims [ " << layers[i].size() << "] Layer end time 0"
             << std::endl;
      stream << "layer" << i << ":";
      for (float value : layers[i]) stream << " " << value;
      stream << std::endl;
    }
    stream.close();
    std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
    std::cout << seconds.count() << std::endl;
    std::remove(path.c_str());
  }
}
