/*
 * llama2.c's forward pass for version 0 checkpoints, written from its formulas: what C's float arithmetic makes of them.
 * Usage: llama2 checkpoint.bin token... > logits, [tokens][vocab_size] f32. Built with -ffp-contract=off: no fused sums.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static float *floats(size_t count) {
  float *memory = calloc(count, sizeof(float));
  if (memory == NULL) exit(2);
  return memory;
}

static void matmul(float *out, const float *x, const float *w, int columns, int rows) {
  for (int row = 0; row < rows; row++) {
    float sum = 0.0f;
    for (int i = 0; i < columns; i++) sum += w[(size_t)row * columns + i] * x[i];
    out[row] = sum;
  }
}

static void rmsnorm(float *out, const float *x, const float *w, int size) {
  float squares = 0.0f;
  for (int i = 0; i < size; i++) squares += x[i] * x[i];
  squares /= size;
  squares += 1e-5f;
  squares = 1.0f / sqrtf(squares);
  for (int i = 0; i < size; i++) out[i] = w[i] * (squares * x[i]);
}

static void softmax(float *x, int size) {
  float max = x[0], sum = 0.0f;
  for (int i = 1; i < size; i++)
    if (x[i] > max) max = x[i];
  for (int i = 0; i < size; i++) {
    x[i] = expf(x[i] - max);
    sum += x[i];
  }
  for (int i = 0; i < size; i++) x[i] /= sum;
}

static void rotate(float *v, int size, int head_size, int position) {
  for (int i = 0; i < size; i += 2) {
    float frequency = 1.0f / powf(10000.0f, (i % head_size) / (float)head_size);
    float angle = position * frequency;
    float c = cosf(angle), s = sinf(angle), even = v[i], odd = v[i + 1];
    v[i] = even * c - odd * s;
    v[i + 1] = even * s + odd * c;
  }
}

int main(int argc, char **argv) {
  FILE *file = argc < 3 ? NULL : fopen(argv[1], "rb");
  int header[7];
  if (file == NULL || fread(header, sizeof(int), 7, file) != 7) return 2;
  int D = header[0], H = header[1], L = header[2], nh = header[3], nkv = header[4], V = abs(header[5]), S = header[6];
  int hs = D / nh, kv = hs * nkv;
  fseek(file, 0, SEEK_END);
  size_t count = (ftell(file) - 28) / sizeof(float);
  float *at = floats(count);
  fseek(file, 28, SEEK_SET);
  if (fread(at, sizeof(float), count, file) != count) return 2;
  fclose(file);
#define TENSOR(name, elements) const float *name = at; at += (size_t)(elements)
  TENSOR(embedding, V * D);
  TENSOR(rms_att, L * D);
  TENSOR(wq, L * D * D);
  TENSOR(wk, L * kv * D);
  TENSOR(wv, L * kv * D);
  TENSOR(wo, L * D * D);
  TENSOR(rms_ffn, L * D);
  TENSOR(w1, L * H * D);
  TENSOR(w2, L * D * H);
  TENSOR(w3, L * H * D);
  TENSOR(rms_final, D);
  TENSOR(unused, S * hs);
  (void)unused;
  const float *wcls = header[5] > 0 ? embedding : at;

  float *x = floats(D), *xb = floats(D), *xb2 = floats(D), *q = floats(D), *att = floats(S);
  float *h1 = floats(H), *h3 = floats(H), *logits = floats(V);
  float *keys = floats((size_t)L * S * kv), *values = floats((size_t)L * S * kv);
  for (int p = 0; p + 2 < argc; p++) {
    memcpy(x, embedding + (size_t)atoi(argv[p + 2]) * D, D * sizeof(float));
    for (int l = 0; l < L; l++) {
      float *layer_keys = keys + (size_t)l * S * kv, *layer_values = values + (size_t)l * S * kv;
      float *k = layer_keys + (size_t)p * kv, *v = layer_values + (size_t)p * kv;
      rmsnorm(xb, x, rms_att + l * D, D);
      matmul(q, xb, wq + (size_t)l * D * D, D, D);
      matmul(k, xb, wk + (size_t)l * kv * D, D, kv);
      matmul(v, xb, wv + (size_t)l * kv * D, D, kv);
      rotate(q, D, hs, p);
      rotate(k, kv, hs, p);
      for (int h = 0; h < nh; h++) {
        int from = h * nkv / nh * hs;
        for (int t = 0; t <= p; t++) {
          float score = 0.0f;
          for (int i = 0; i < hs; i++) score += q[h * hs + i] * layer_keys[(size_t)t * kv + from + i];
          att[t] = score / sqrtf(hs);
        }
        softmax(att, p + 1);
        float *head = xb + h * hs;
        memset(head, 0, hs * sizeof(float));
        for (int t = 0; t <= p; t++)
          for (int i = 0; i < hs; i++) head[i] += att[t] * layer_values[(size_t)t * kv + from + i];
      }
      matmul(xb2, xb, wo + (size_t)l * D * D, D, D);
      for (int i = 0; i < D; i++) x[i] += xb2[i];
      rmsnorm(xb, x, rms_ffn + l * D, D);
      matmul(h1, xb, w1 + (size_t)l * H * D, D, H);
      matmul(h3, xb, w3 + (size_t)l * H * D, D, H);
      for (int i = 0; i < H; i++) h1[i] = h1[i] * (1.0f / (1.0f + expf(-h1[i]))) * h3[i];
      matmul(xb2, h1, w2 + (size_t)l * D * H, H, D);
      for (int i = 0; i < D; i++) x[i] += xb2[i];
    }
    rmsnorm(x, x, rms_final, D);
    matmul(logits, x, wcls, D, V);
    if (fwrite(logits, sizeof(float), V, stdout) != (size_t)V) return 2;
  }
  return 0;
}
