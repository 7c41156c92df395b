/* Draws tokens as llama2.c does, in C's float arithmetic with libc's expf.
 * stdin: cases, each { int32 vocab, vectors, draws; float temperature, top_p; uint64 seed; float logits[vectors][vocab] };
 * draw d of a case uses vector d % vectors. stdout: one int32 token a draw. */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

struct head { int32_t vocab, vectors, draws; float temperature, top_p; uint32_t seed[2]; };
struct candidate { float probability; int token; };

static float random_float(uint64_t *state) {
  *state ^= *state >> 12;
  *state ^= *state << 25;
  *state ^= *state >> 27;
  uint32_t top = (uint32_t)((*state * 0x2545F4914F6CDD1Dull) >> 32);
  return (float)(top >> 8) / 16777216.0f;
}

static int likeliest(const float *x, int n) {
  int best = 0;
  for (int i = 1; i < n; i++) if (x[i] > x[best]) best = i;
  return best;
}

static void softmax(float *x, int n) {
  float max = x[likeliest(x, n)], sum = 0.0f;
  for (int i = 0; i < n; i++) { x[i] = expf(x[i] - max); sum += x[i]; }
  for (int i = 0; i < n; i++) x[i] /= sum;
}

/* Highest first; the lower token of equals, which is what a stable sort gives. */
static int descending(const void *a, const void *b) {
  const struct candidate *left = a, *right = b;
  if (left->probability != right->probability) return left->probability > right->probability ? -1 : 1;
  return left->token - right->token;
}

static int draw_all(const float *p, int n, float coin) {
  float sum = 0.0f;
  for (int i = 0; i < n; i++) { sum += p[i]; if (coin < sum) return i; }
  return n - 1;
}

static int draw_nucleus(const float *p, int n, float top_p, float coin, struct candidate *list) {
  const float cutoff = (1.0f - top_p) / (n - 1);
  int count = 0;
  for (int i = 0; i < n; i++) if (p[i] >= cutoff) list[count++] = (struct candidate){p[i], i};
  if (count == 0) return likeliest(p, n); /* top_p < 1/n; llama2.c itself would read what is not there */
  qsort(list, (size_t)count, sizeof *list, descending);
  float nucleus = 0.0f;
  int last = count - 1;
  for (int i = 0; i < count; i++) { nucleus += list[i].probability; if (nucleus > top_p) { last = i; break; } }
  float point = coin * nucleus, sum = 0.0f;
  for (int i = 0; i <= last; i++) { sum += list[i].probability; if (point < sum) return list[i].token; }
  return list[last].token;
}

int main(void) {
  struct head head;
  while (fread(&head, sizeof head, 1, stdin) == 1) {
    size_t n = (size_t)head.vocab;
    float *logits = malloc(n * (size_t)head.vectors * sizeof *logits), *x = malloc(n * sizeof *x);
    struct candidate *list = malloc(n * sizeof *list);
    if (!logits || !x || !list) return 1;
    if (fread(logits, sizeof *logits, n * (size_t)head.vectors, stdin) != n * (size_t)head.vectors) return 1;
    uint64_t state = (uint64_t)head.seed[1] << 32 | head.seed[0];
    for (int d = 0; d < head.draws; d++) {
      const float *from = logits + n * (size_t)(d % head.vectors);
      int32_t token;
      if (head.temperature == 0.0f) {
        token = likeliest(from, head.vocab);
      } else {
        for (size_t i = 0; i < n; i++) x[i] = from[i] / head.temperature;
        softmax(x, head.vocab);
        float coin = random_float(&state);
        token = head.top_p <= 0.0f || head.top_p >= 1.0f ? draw_all(x, head.vocab, coin)
                                                          : draw_nucleus(x, head.vocab, head.top_p, coin, list);
      }
      fwrite(&token, sizeof token, 1, stdout);
    }
    free(logits), free(x), free(list);
  }
  return 0;
}
