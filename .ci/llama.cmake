# Read right after llama.cpp's own project(): llama-cpp-python forces its "common" library on, which is only needed by
# llama.cpp's programs and takes as long to compile as the rest.
set(LLAMA_BUILD_COMMON OFF)
