#include "rules.h"

#include <errno.h>
#include <stdio.h>

#include "memory.h"
#include "refuse.h"

enum { BANK_BYTES = 32768, BANKS = 12, MAX_KERNEL_BYTES = 32768, MAX_OUTPUTS = 8192, ENTRY_BYTES = 64, LINE_STRIDE_ONE_WIDE = 4 };

static const char *field_text(enum field_id id, char out[96]) {
  const struct field_info *field = &field_table[id];
  const struct register_info *reg = &register_table[field->reg];
  snprintf(out, 96, "%s %s.%s (0x%04x)", reg->unit_name, reg->name, field->name, reg->offset);
  return out;
}

static int refuse_field(struct where where, const char *rule, const struct register_file *registers, enum field_id id, int64_t wanted, const char *why) {
  char name[96];
  return refuse_task(where, EINVAL, rule, "%s = %u, expected %lld%s%s", field_text(id, name), field_value(registers, id),
                     (long long)wanted, *why ? ": " : "", why);
}

static bool takes_part(enum register_id reg, uint32_t enabled) {
  uint16_t unit = register_table[reg].unit;
  if (unit == UNIT_DPU_RDMA) return enabled & ENABLE_DPU_RDMA;
  return unit != UNIT_PC;
}

/* What a program leaves out keeps the value of a task before, and such a program does not run reliably. */
static int check_complete(struct where where, const struct register_file *registers, uint32_t enabled) {
  for (unsigned reg = 0; reg < REGISTER_COUNT; reg++) {
    if (!takes_part(reg, enabled) || registers->written_by_program[reg]) continue;
    const struct register_info *info = &register_table[reg];
    char before[64] = "was not since power-on or reset";
    if (registers->written[reg]) snprintf(before, sizeof before, "keeps 0x%x from a task before", registers->values[reg]);
    return refuse_task(where, EINVAL, "incomplete-program", "%s %s (0x%04x) is not written by the program and %s, expected every register to be",
                       info->unit_name, info->name, info->offset, before);
  }
  return 0;
}

static bool fixed_fields_fit(const struct register_file *registers, uint32_t enabled) {
  for (unsigned reg = 0; reg < REGISTER_COUNT; reg++)
    if (takes_part(reg, enabled) && (registers->values[reg] & register_table[reg].fixed_bits) != register_table[reg].fixed_value) return false;
  return true;
}

static int check_fixed_fields(struct where where, const struct register_file *registers, uint32_t enabled) {
  if (fixed_fields_fit(registers, enabled)) return 0;
  for (unsigned id = 0; id < FIELD_COUNT; id++) {
    const struct field_info *field = &field_table[id];
    if (field->fixed == FREE || !takes_part(field->reg, enabled) || field_value(registers, id) == field->fixed) continue;
    return refuse_field(where, "unmodelled", registers, id, field->fixed, "the only setting of a matmul");
  }
  return 0;
}

static int check_precisions(struct where where, const struct register_file *registers, struct matmul *out) {
  uint32_t in = field_value(registers, CNA_CONV_CON1_IN_PRECISION);
  if (in != PRECISION_FP16 && in != PRECISION_INT8)
    return refuse_task(where, EINVAL, "precision", "CNA CONV_CON1.IN_PRECISION (0x100c) = %u, expected 2 (fp16) or 0 (int8): others are not modelled", in);
  static const enum field_id same[] = {CNA_CONV_CON1_PROC_PRECISION, CORE_MISC_CFG_PROC_PRECISION, DPU_DATA_FORMAT_IN_PRECISION,
                                       DPU_DATA_FORMAT_PROC_PRECISION};
  for (unsigned i = 0; i < sizeof same / sizeof *same; i++)
    if (field_value(registers, same[i]) != in)
      return refuse_field(where, "precision", registers, same[i], in, "as CNA CONV_CON1.IN_PRECISION (0x100c)");
  uint32_t result = field_value(registers, DPU_DATA_FORMAT_OUT_PRECISION);
  bool fits = in == PRECISION_FP16 ? result == PRECISION_FP32 || result == PRECISION_FP16 : result == PRECISION_INT32;
  if (!fits)
    return refuse_task(where, EINVAL, "precision", "DPU DATA_FORMAT.OUT_PRECISION (0x4010) = %u, expected %s", result,
                       in == PRECISION_FP16 ? "5 (fp32) or 2 (fp16) for fp16 input" : "4 (int32) for int8 input");
  out->in = in;
  out->out = result;

  int64_t size_e = in == PRECISION_INT8 ? 7 : result == PRECISION_FP32 ? 3 : 1;
  static const enum field_id size_fields[] = {DPU_BS_OW_CFG_SIZE_E_0, DPU_BS_OW_CFG_SIZE_E_1, DPU_BS_OW_CFG_SIZE_E_2};
  for (unsigned i = 0; i < 3; i++)
    if (field_value(registers, size_fields[i]) != size_e)
      return refuse_field(where, "output-format", registers, size_fields[i], size_e, "3 for fp32, 1 for fp16, 7 for int32 output");
  int64_t narrow = result == PRECISION_FP16;
  if (field_value(registers, DPU_OUT_CVT_SCALE_FP32TOFP16_EN) != narrow)
    return refuse_field(where, "output-format", registers, DPU_OUT_CVT_SCALE_FP32TOFP16_EN, narrow, "1 for fp16 output, else 0");
  int64_t quad = in == PRECISION_FP16;
  if (field_value(registers, CORE_MISC_CFG_QD_EN) != quad)
    return refuse_field(where, "output-format", registers, CORE_MISC_CFG_QD_EN, quad, "1 for fp16, 0 for int8");
  return 0;
}

static int check_shape(struct where where, const struct register_file *registers, struct matmul *out) {
  uint32_t rows = out->rows = field_value(registers, CNA_DATA_SIZE0_DATAIN_HEIGHT);
  uint32_t inputs = out->inputs = field_value(registers, CNA_DATA_SIZE1_DATAIN_CHANNEL);
  uint32_t outputs = out->outputs = field_value(registers, CNA_WEIGHT_SIZE2_WEIGHT_KERNELS);
  uint32_t group = group_channels(out), kernel_bytes = inputs * input_bytes(out->in);
  if (rows == 0 || rows > MAX_ROWS || (rows != 1 && rows % 4 != 0))
    return refuse_task(where, EINVAL, "rows", "CNA DATA_SIZE0.DATAIN_HEIGHT (0x1020) = %u, expected 1 or a multiple of 4 up to %u", rows, MAX_ROWS);
  if (inputs == 0 || inputs % 32 != 0)
    return refuse_task(where, EINVAL, "k-alignment", "CNA DATA_SIZE1.DATAIN_CHANNEL (0x1024) = %u, expected a multiple of 32", inputs);
  if (outputs == 0 || outputs % group != 0)
    return refuse_task(where, EINVAL, "n-alignment", "CNA WEIGHT_SIZE2.WEIGHT_KERNELS (0x1038) = %u, expected a multiple of %u", outputs, group);
  if (outputs > MAX_OUTPUTS)
    return refuse_task(where, EINVAL, "channels", "CNA WEIGHT_SIZE2.WEIGHT_KERNELS (0x1038) = %u, expected at most %u: the DPU's channel fields hold N-1 in 13 bits",
                       outputs, MAX_OUTPUTS);
  if (kernel_bytes > MAX_KERNEL_BYTES)
    return refuse_task(where, EINVAL, "kernel-size", "one kernel of CNA DATA_SIZE1.DATAIN_CHANNEL (0x1024) = %u is %u bytes, expected at most %u",
                       inputs, kernel_bytes, MAX_KERNEL_BYTES);
  return 0;
}

static int check_sizes_agree(struct where where, const struct register_file *registers, const struct matmul *m) {
  const int64_t rows = m->rows, inputs = m->inputs, outputs = m->outputs, kernel = inputs * input_bytes(m->in);
  const struct {
    enum field_id field;
    int64_t wanted;
    const char *why;
  } sizes[] = {
      {CNA_DATA_SIZE1_DATAIN_CHANNEL_REAL, inputs - 1, "K-1 with K of CNA DATA_SIZE1.DATAIN_CHANNEL (0x1024)"},
      {CNA_FC_DATA_SIZE1_DMA_CHANNEL, inputs, "K of CNA DATA_SIZE1.DATAIN_CHANNEL (0x1024)"},
      {CNA_WEIGHT_SIZE1_WEIGHT_BYTES_PER_KERNEL, kernel, "bytes of K of CNA DATA_SIZE1.DATAIN_CHANNEL (0x1024)"},
      {CNA_WEIGHT_SIZE0_WEIGHT_BYTES, kernel * outputs, "bytes of K*N of CNA DATA_SIZE1 (0x1024) and WEIGHT_SIZE2 (0x1038)"},
      {CNA_CONV_CON2_FEATURE_GRAINS, rows + 1, "M+1 with M of CNA DATA_SIZE0.DATAIN_HEIGHT (0x1020)"},
      {CNA_DATA_SIZE3_DATAOUT_ATOMICS, rows, "M of CNA DATA_SIZE0.DATAIN_HEIGHT (0x1020)"},
      {CNA_FC_DATA_SIZE0_DMA_HEIGHT, rows, "M of CNA DATA_SIZE0.DATAIN_HEIGHT (0x1020)"},
      {CORE_DATAOUT_SIZE_0_DATAOUT_HEIGHT, rows - 1, "M-1 with M of CNA DATA_SIZE0.DATAIN_HEIGHT (0x1020)"},
      {DPU_DATA_CUBE_HEIGHT_HEIGHT, rows - 1, "M-1 with M of CNA DATA_SIZE0.DATAIN_HEIGHT (0x1020)"},
      {DPU_WDMA_SIZE_1_HEIGHT_WDMA, rows - 1, "M-1 with M of CNA DATA_SIZE0.DATAIN_HEIGHT (0x1020)"},
      {CORE_DATAOUT_SIZE_1_DATAOUT_CHANNEL, outputs - 1, "N-1 with N of CNA WEIGHT_SIZE2.WEIGHT_KERNELS (0x1038)"},
      {DPU_DATA_CUBE_CHANNEL_CHANNEL, outputs - 1, "N-1 with N of CNA WEIGHT_SIZE2.WEIGHT_KERNELS (0x1038)"},
      {DPU_DATA_CUBE_CHANNEL_ORIG_CHANNEL, outputs - 1, "N-1 with N of CNA WEIGHT_SIZE2.WEIGHT_KERNELS (0x1038)"},
      {DPU_WDMA_SIZE_0_CHANNEL_WDMA, outputs - 1, "N-1 with N of CNA WEIGHT_SIZE2.WEIGHT_KERNELS (0x1038)"},
  };
  for (unsigned i = 0; i < sizeof sizes / sizeof *sizes; i++)
    if (field_value(registers, sizes[i].field) != sizes[i].wanted)
      return refuse_field(where, "size", registers, sizes[i].field, sizes[i].wanted, sizes[i].why);
  return 0;
}

static int check_cbuf(struct where where, const struct register_file *registers, const struct matmul *m) {
  uint32_t feature_banks = field_value(registers, CNA_CBUF_CON0_DATA_BANK), weight_banks = field_value(registers, CNA_CBUF_CON0_WEIGHT_BANK);
  uint64_t bytes = (uint64_t)m->rows * m->inputs * input_bytes(m->in);
  uint64_t needed = (bytes + BANK_BYTES - 1) / BANK_BYTES;
  if (feature_banks < needed || feature_banks == 0)
    return refuse_task(where, EINVAL, "cbuf", "CNA CBUF_CON0.DATA_BANK (0x1040) = %u, expected at least %llu for %u rows of %u inputs (%llu bytes)",
                       feature_banks, (unsigned long long)needed, m->rows, m->inputs, (unsigned long long)bytes);
  if (weight_banks == 0 || feature_banks + weight_banks > BANKS)
    return refuse_task(where, EINVAL, "cbuf", "CNA CBUF_CON0 (0x1040): DATA_BANK %u and WEIGHT_BANK %u, expected at least 1 each and at most %u together",
                       feature_banks, weight_banks, BANKS);
  int64_t entries = (m->inputs * input_bytes(m->in) + ENTRY_BYTES - 1) / ENTRY_BYTES;
  if (field_value(registers, CNA_CBUF_CON1_DATA_ENTRIES) != entries)
    return refuse_field(where, "cbuf", registers, CNA_CBUF_CON1_DATA_ENTRIES, entries, "64-byte entries of one feature row");
  return 0;
}

static int64_t sign_extend_28(uint32_t value) { return (int64_t)(int32_t)(value << 4) >> 4; }

/* Distances in atoms of 16 bytes. Features: the next surface begins LINE_STRIDE + SURF_STRIDE atoms on, which is
 * M when SURF_STRIDE is as documented. Results: DST_SURF_STRIDE a surface, SURF_ADD a group of channels. */
static int check_strides(struct where where, const struct register_file *registers, struct matmul *out) {
  uint32_t line = field_value(registers, CNA_DMA_CON1_LINE_STRIDE);
  if (line != LINE_STRIDE_ONE_WIDE)
    return refuse_field(where, "stride", registers, CNA_DMA_CON1_LINE_STRIDE, LINE_STRIDE_ONE_WIDE, "features are one wide");
  int64_t surface = line + sign_extend_28(field_value(registers, CNA_DMA_CON2_SURF_STRIDE));
  if (surface < out->rows)
    return refuse_task(where, EINVAL, "stride", "CNA DMA_CON2.SURF_STRIDE (0x1080) = 0x%07x puts feature surfaces %lld rows apart, expected at least M = %u (SURF_STRIDE 0x%07x)",
                       field_value(registers, CNA_DMA_CON2_SURF_STRIDE), (long long)surface, out->rows, (out->rows - line) & 0x0fffffff);
  uint32_t stride = field_value(registers, DPU_DST_SURF_STRIDE_DST_SURF_STRIDE);
  if (stride < out->rows)
    return refuse_task(where, EINVAL, "stride", "DPU DST_SURF_STRIDE.DST_SURF_STRIDE (0x4024) = %u, expected at least M = %u: result surfaces would overlap",
                       stride, out->rows);
  int64_t surfaces = (int64_t)group_channels(out) * output_bytes(out->out) / SURFACE_ATOM_BYTES;
  if (field_value(registers, DPU_SURFACE_ADD_SURF_ADD) != stride * surfaces)
    return refuse_field(where, "stride", registers, DPU_SURFACE_ADD_SURF_ADD, stride * surfaces, "DST_SURF_STRIDE (0x4024) times the surfaces of a channel group");
  out->feature_surface_bytes = (size_t)surface * SURFACE_ATOM_BYTES;
  out->result_surface_bytes = (size_t)stride * SURFACE_ATOM_BYTES;
  return 0;
}

uint8_t *resolve_dma(struct where where, uint32_t domain, const char *what, uint64_t address, uint64_t bytes) {
  if (address % SURFACE_ATOM_BYTES != 0) {
    refuse_task(where, EINVAL, "dma-alignment", "%s = 0x%llx, expected a multiple of 16", what, (unsigned long long)address);
    return NULL;
  }
  if (address + bytes > 0x100000000ull) {
    refuse_task(where, EINVAL, "dma-4gib", "%s = 0x%llx and %llu bytes from it end above 4 GiB", what, (unsigned long long)address,
                (unsigned long long)bytes);
    return NULL;
  }
  const struct buffer *buffer = memory_by_dma(domain, address);
  if (!buffer) {
    refuse_task(where, EINVAL, "dma-unmapped", "%s = 0x%llx is in no buffer", what, (unsigned long long)address);
    return NULL;
  }
  uint64_t room = buffer->dma_addr + buffer->size - address;
  if (bytes > room) {
    refuse_task(where, EINVAL, "dma-overrun", "%s = 0x%llx: %llu bytes leave the buffer 0x%llx to 0x%llx by %llu", what,
                (unsigned long long)address, (unsigned long long)bytes, (unsigned long long)buffer->dma_addr,
                (unsigned long long)(buffer->dma_addr + buffer->size), (unsigned long long)(bytes - room));
    return NULL;
  }
  return buffer->device + (address - buffer->dma_addr);
}

static int check_addresses(struct where where, const struct register_file *registers, uint32_t domain, struct matmul *out) {
  uint32_t features = registers->values[REG_CNA_FEATURE_DATA_ADDR], weights = registers->values[REG_CNA_DCOMP_ADDR0];
  uint32_t result = registers->values[REG_DPU_DST_BASE_ADDR];
  uint64_t feature_span = region_span(feature_region(out)), weight_bytes = region_span(weight_region(out)), result_span = region_span(result_region(out));
  if (!(out->features = resolve_dma(where, domain, "CNA FEATURE_DATA_ADDR (0x1070)", features, feature_span))) return -EINVAL;
  if (!(out->weights = resolve_dma(where, domain, "CNA DCOMP_ADDR0 (0x1110)", weights, weight_bytes))) return -EINVAL;
  if (!(out->result = resolve_dma(where, domain, "DPU DST_BASE_ADDR (0x4020)", result, result_span))) return -EINVAL;
  if (regions_overlap(result_region(out), feature_region(out)))
    return refuse_task(where, EINVAL, "dma-overlap", "DPU DST_BASE_ADDR (0x4020) = 0x%x: %llu bytes written overlap the features read at 0x%x", result,
                       (unsigned long long)result_span, features);
  if (regions_overlap(result_region(out), weight_region(out)))
    return refuse_task(where, EINVAL, "dma-overlap", "DPU DST_BASE_ADDR (0x4020) = 0x%x: %llu bytes written overlap the weights read at 0x%x", result,
                       (unsigned long long)result_span, weights);
  return 0;
}

int matmul_from_registers(struct where where, const struct register_file *registers, uint32_t domain, uint32_t enabled, struct matmul *out) {
  *out = (struct matmul){0};
  int status = check_complete(where, registers, enabled);
  if (status == 0) status = check_fixed_fields(where, registers, enabled);
  if (status == 0) status = check_precisions(where, registers, out);
  if (status == 0) status = check_shape(where, registers, out);
  if (status == 0) status = check_sizes_agree(where, registers, out);
  if (status == 0) status = check_cbuf(where, registers, out);
  if (status == 0) status = check_strides(where, registers, out);
  if (status == 0) status = check_addresses(where, registers, domain, out);
  return status;
}
