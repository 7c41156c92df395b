/* stdin: floats; stdout: libc's expf of each. */
#include <math.h>
#include <stdio.h>

int main(void) {
  float x[4096];
  for (size_t n; (n = fread(x, sizeof *x, 4096, stdin)) > 0;) {
    for (size_t i = 0; i < n; i++) x[i] = expf(x[i]);
    fwrite(x, sizeof *x, n, stdout);
  }
  return 0;
}
