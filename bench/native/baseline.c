/*
 * What a llama2.c user would run without an NPU: the forward pass of a version 0 checkpoint in FP32, as plain loops that the
 * compiler is left to vectorise. The bench builds it three ways (see src/native.ts) and measures it in turns with the NPU.
 *
 *   baseline <checkpoint.bin> -t 0 -n <positions> [-f <first position>]
 *
 * Greedy from BOS. Prints each token's number on stdout and, as llama2.c's run does, `achieved tok/s: X` on stderr: tokens
 * after the first over the time since the first. With -f it begins at that position on a cache of zeros: attention reads as
 * much as it would of a text that long. Unlike run it goes on after a BOS, so that every run takes the same number of steps.
 */
#define _POSIX_C_SOURCE 200809L
#include <fcntl.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static void die(const char *format, ...) {
  va_list values;
  va_start(values, format);
  fputs("baseline: ", stderr);
  vfprintf(stderr, format, values);
  fputc('\n', stderr);
  va_end(values);
  exit(2);
}

/* ---- the checkpoint: seven int32, then FP32 tensors in a fixed order ---- */

typedef struct {
  int dim, hidden, layers, heads, kv_heads, vocab, positions;
  int head_size, kv_dim;
  /* [vocab][dim]; [layers][...] of the rest */
  const float *embedding, *rms_att, *wq, *wk, *wv, *wo, *rms_ffn, *w1, *w2, *w3, *rms_final, *classifier;
} Model;

static const float *take(const float **next, size_t count) {
  const float *tensor = *next;
  *next += count;
  return tensor;
}

static Model open_model(const char *path) {
  int fd = open(path, O_RDONLY);
  struct stat status;
  if (fd < 0 || fstat(fd, &status) != 0) die("cannot open %s", path);
  const int *header = mmap(NULL, status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
  if (header == MAP_FAILED || status.st_size < 28) die("cannot read %s", path);
  close(fd);
  Model m = {.dim = header[0], .hidden = header[1], .layers = header[2], .heads = header[3], .kv_heads = header[4]};
  m.vocab = abs(header[5]), m.positions = header[6]; /* negative: a classifier of its own */
  if (m.heads < 1 || m.kv_heads < 1 || m.dim < 1) die("%s: no version 0 checkpoint", path);
  m.head_size = m.dim / m.heads;
  m.kv_dim = m.head_size * m.kv_heads;
  const size_t L = m.layers, D = m.dim, H = m.hidden;
  const float *next = (const float *)(header + 7);
  m.embedding = take(&next, (size_t)m.vocab * D);
  m.rms_att = take(&next, L * D);
  m.wq = take(&next, L * D * D);
  m.wk = take(&next, L * m.kv_dim * D);
  m.wv = take(&next, L * m.kv_dim * D);
  m.wo = take(&next, L * D * D);
  m.rms_ffn = take(&next, L * D);
  m.w1 = take(&next, L * H * D);
  m.w2 = take(&next, L * D * H);
  m.w3 = take(&next, L * H * D);
  m.rms_final = take(&next, D);
  take(&next, (size_t)m.positions * m.head_size); /* tables that nobody reads */
  m.classifier = header[5] > 0 ? m.embedding : take(&next, (size_t)m.vocab * D);
  if ((const char *)next != (const char *)header + status.st_size) die("%s: no version 0 checkpoint", path);
  return m;
}

/* ---- one token's activations, and the keys and values of all before it ---- */

typedef struct {
  float *x, *normed, *query, *attended, *gate, *up, *delta, *logits;
  float *scores;        /* [heads][positions] */
  float *keys, *values; /* [layers][positions][kv_dim] */
} State;

static float *zeros(size_t count) {
  float *memory = calloc(count, sizeof(float));
  if (memory == NULL) die("not enough memory");
  return memory;
}

static State new_state(const Model *m) {
  const size_t cache = (size_t)m->layers * m->positions * m->kv_dim;
  State s;
  s.x = zeros(m->dim), s.normed = zeros(m->dim), s.query = zeros(m->dim), s.attended = zeros(m->dim);
  s.gate = zeros(m->hidden), s.up = zeros(m->hidden), s.delta = zeros(m->dim), s.logits = zeros(m->vocab);
  s.scores = zeros((size_t)m->heads * m->positions);
  s.keys = zeros(cache), s.values = zeros(cache);
  return s;
}

/* ---- kernels ---- */

/* out[rows] = w[rows][columns] . x[columns] */
static void multiply(float *out, const float *w, const float *x, int rows, int columns) {
#pragma omp parallel for
  for (int row = 0; row < rows; row++) {
    const float *weights = w + (size_t)row * columns;
    float sum = 0;
    for (int i = 0; i < columns; i++) sum += weights[i] * x[i];
    out[row] = sum;
  }
}

static void rms_norm(float *out, const float *x, const float *weight, int size) {
  float squares = 0;
  for (int i = 0; i < size; i++) squares += x[i] * x[i];
  const float scale = 1 / sqrtf(squares / size + 1e-5f);
  for (int i = 0; i < size; i++) out[i] = weight[i] * (scale * x[i]);
}

static void add(float *x, const float *delta, int size) {
  for (int i = 0; i < size; i++) x[i] += delta[i];
}

/* Turns the pairs of every head by position * 10000^(-2i/head_size). */
static void rotate(float *vector, int size, int head_size, int position) {
  for (int i = 0; i < size; i += 2) {
    const float angle = position * powf(10000, -(float)(i % head_size) / head_size);
    const float c = cosf(angle), s = sinf(angle), a = vector[i], b = vector[i + 1];
    vector[i] = a * c - b * s;
    vector[i + 1] = a * s + b * c;
  }
}

static void softmax(float *x, int size) {
  float max = x[0], sum = 0;
  for (int i = 1; i < size; i++) max = x[i] > max ? x[i] : max;
  for (int i = 0; i < size; i++) sum += x[i] = expf(x[i] - max);
  for (int i = 0; i < size; i++) x[i] /= sum;
}

/* keys, values: [positions][kv_dim], one layer's */
static void attend(const Model *m, State *s, const float *keys, const float *values, int position) {
  const int size = m->head_size, stride = m->kv_dim;
#pragma omp parallel for
  for (int head = 0; head < m->heads; head++) {
    const int column = head * m->kv_heads / m->heads * size;
    const float *query = s->query + head * size;
    float *scores = s->scores + (size_t)head * m->positions, *out = s->attended + head * size;
    for (int t = 0; t <= position; t++) {
      const float *key = keys + (size_t)t * stride + column;
      float dot = 0;
      for (int i = 0; i < size; i++) dot += query[i] * key[i];
      scores[t] = dot / sqrtf(size);
    }
    softmax(scores, position + 1);
    memset(out, 0, size * sizeof(float));
    for (int t = 0; t <= position; t++) {
      const float *value = values + (size_t)t * stride + column;
      for (int i = 0; i < size; i++) out[i] += scores[t] * value[i];
    }
  }
}

/* ---- the forward pass ---- */

static void forward(const Model *m, State *s, int token, int position) {
  const size_t D = m->dim, H = m->hidden, KV = m->kv_dim;
  memcpy(s->x, m->embedding + token * D, D * sizeof(float));
  for (size_t layer = 0; layer < (size_t)m->layers; layer++) {
    float *keys = s->keys + layer * m->positions * KV, *values = s->values + layer * m->positions * KV;
    float *key = keys + position * KV;
    rms_norm(s->normed, s->x, m->rms_att + layer * D, D);
    multiply(s->query, m->wq + layer * D * D, s->normed, D, D);
    multiply(key, m->wk + layer * KV * D, s->normed, KV, D);
    multiply(values + position * KV, m->wv + layer * KV * D, s->normed, KV, D);
    rotate(s->query, D, m->head_size, position);
    rotate(key, KV, m->head_size, position);
    attend(m, s, keys, values, position);
    multiply(s->delta, m->wo + layer * D * D, s->attended, D, D);
    add(s->x, s->delta, D);

    rms_norm(s->normed, s->x, m->rms_ffn + layer * D, D);
    multiply(s->gate, m->w1 + layer * H * D, s->normed, H, D);
    multiply(s->up, m->w3 + layer * H * D, s->normed, H, D);
    for (size_t i = 0; i < H; i++) s->gate[i] *= s->up[i] / (1 + expf(-s->gate[i]));
    multiply(s->delta, m->w2 + layer * D * H, s->gate, D, H);
    add(s->x, s->delta, D);
  }
  rms_norm(s->normed, s->x, m->rms_final, D);
  multiply(s->logits, m->classifier, s->normed, m->vocab, D);
}

static int best_of(const float *logits, int count) {
  int best = 0;
  for (int i = 1; i < count; i++)
    if (logits[i] > logits[best]) best = i;
  return best;
}

/* ---- the command ---- */

static double seconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec + now.tv_nsec * 1e-9;
}

static int whole_number(const char *option, const char *text) {
  char *end;
  const long value = strtol(text, &end, 10);
  if (end == text || *end != '\0' || value < 0 || value > 1 << 30) die("%s %s: not a whole number", option, text);
  return value;
}

int main(int argc, char **argv) {
  int count = 256, first = 0;
  if (argc < 2 || argc % 2 != 0) die("usage: baseline <checkpoint.bin> -t 0 -n <positions> [-f <first position>]");
  for (int i = 2; i < argc; i += 2) {
    const char *option = argv[i], *value = argv[i + 1];
    if (strcmp(option, "-n") == 0) count = whole_number(option, value);
    else if (strcmp(option, "-f") == 0) first = whole_number(option, value);
    else if (strcmp(option, "-t") == 0 && whole_number(option, value) == 0) continue;
    else die("%s %s: not an option here", option, value);
  }
  const Model model = open_model(argv[1]);
  if (count < 2 || first > model.positions - count)
    die("positions %d to %d: the model has %d", first, first + count - 1, model.positions);
  State state = new_state(&model);
  double start = 0;
  for (int i = 0, token = 1; i < count; i++) {
    forward(&model, &state, token, first + i);
    token = best_of(state.logits, model.vocab);
    printf("%d\n", token);
    /* The first one also pays for memory that is touched for the first time. */
    if (i == 0) start = seconds();
  }
  fprintf(stderr, "achieved tok/s: %f\n", (count - 1) / (seconds() - start));
  return 0;
}
