/* Every register that a matmul's program writes. Included by registers.h, which says what the columns are for. */
#ifndef NPU_SIM_REGISTER_TABLE_H
#define NPU_SIM_REGISTER_TABLE_H

/* REG(unit, offset, name) starts a register; FIELD(unit, register, name, low bit, width, fixed value or FREE)
 * adds to it. Bits in no field are reserved and must be 0. */
#define NPU_REGISTERS(REG, FIELD)                                   \
  REG(CNA, 0x100c, CONV_CON1)                                       \
  FIELD(CNA, CONV_CON1, CONV_MODE, 0, 4, 0)                         \
  FIELD(CNA, CONV_CON1, IN_PRECISION, 4, 3, FREE)                   \
  FIELD(CNA, CONV_CON1, PROC_PRECISION, 7, 3, FREE)                 \
  FIELD(CNA, CONV_CON1, ARGB_IN, 12, 4, 0)                          \
  FIELD(CNA, CONV_CON1, DECONV, 16, 1, 0)                           \
  FIELD(CNA, CONV_CON1, GROUP_LINE_OFF, 29, 1, 0)                   \
  FIELD(CNA, CONV_CON1, NONALIGN_DMA, 30, 1, 0)                     \
  REG(CNA, 0x1010, CONV_CON2)                                       \
  FIELD(CNA, CONV_CON2, CMD_FIFO_SRST, 0, 1, 0)                     \
  FIELD(CNA, CONV_CON2, CSC_DO_EN, 1, 1, 0)                         \
  FIELD(CNA, CONV_CON2, CSC_WO_EN, 2, 1, 0)                         \
  FIELD(CNA, CONV_CON2, FEATURE_GRAINS, 4, 10, FREE)                \
  FIELD(CNA, CONV_CON2, KERNEL_GROUP, 16, 8, 0)                     \
  REG(CNA, 0x1014, CONV_CON3)                                       \
  FIELD(CNA, CONV_CON3, CONV_X_STRIDE, 0, 3, 1)                     \
  FIELD(CNA, CONV_CON3, CONV_Y_STRIDE, 3, 3, 1)                     \
  FIELD(CNA, CONV_CON3, DECONV_X_STRIDE, 8, 3, 0)                   \
  FIELD(CNA, CONV_CON3, DECONV_Y_STRIDE, 11, 3, 0)                  \
  FIELD(CNA, CONV_CON3, ATROUS_X_DILATION, 16, 5, 0)                \
  FIELD(CNA, CONV_CON3, ATROUS_Y_DILATION, 21, 5, 0)                \
  FIELD(CNA, CONV_CON3, NN_MODE, 28, 3, 0)                          \
  REG(CNA, 0x1020, DATA_SIZE0)                                      \
  FIELD(CNA, DATA_SIZE0, DATAIN_HEIGHT, 0, 11, FREE)                \
  FIELD(CNA, DATA_SIZE0, DATAIN_WIDTH, 16, 11, 1)                   \
  REG(CNA, 0x1024, DATA_SIZE1)                                      \
  FIELD(CNA, DATA_SIZE1, DATAIN_CHANNEL, 0, 16, FREE)               \
  FIELD(CNA, DATA_SIZE1, DATAIN_CHANNEL_REAL, 16, 14, FREE)         \
  REG(CNA, 0x1028, DATA_SIZE2)                                      \
  FIELD(CNA, DATA_SIZE2, DATAOUT_WIDTH, 0, 11, 1)                   \
  REG(CNA, 0x102c, DATA_SIZE3)                                      \
  FIELD(CNA, DATA_SIZE3, DATAOUT_ATOMICS, 0, 22, FREE)              \
  FIELD(CNA, DATA_SIZE3, SURF_MODE, 22, 2, 0)                       \
  REG(CNA, 0x1030, WEIGHT_SIZE0)                                    \
  FIELD(CNA, WEIGHT_SIZE0, WEIGHT_BYTES, 0, 32, FREE)               \
  REG(CNA, 0x1034, WEIGHT_SIZE1)                                    \
  FIELD(CNA, WEIGHT_SIZE1, WEIGHT_BYTES_PER_KERNEL, 0, 19, FREE)    \
  REG(CNA, 0x1038, WEIGHT_SIZE2)                                    \
  FIELD(CNA, WEIGHT_SIZE2, WEIGHT_KERNELS, 0, 14, FREE)             \
  FIELD(CNA, WEIGHT_SIZE2, WEIGHT_HEIGHT, 16, 5, 1)                 \
  FIELD(CNA, WEIGHT_SIZE2, WEIGHT_WIDTH, 24, 5, 1)                  \
  REG(CNA, 0x1040, CBUF_CON0)                                       \
  FIELD(CNA, CBUF_CON0, DATA_BANK, 0, 4, FREE)                      \
  FIELD(CNA, CBUF_CON0, WEIGHT_BANK, 4, 4, FREE)                    \
  FIELD(CNA, CBUF_CON0, FC_DATA_BANK, 8, 3, 0)                      \
  FIELD(CNA, CBUF_CON0, DATA_REUSE, 12, 1, 0)                       \
  FIELD(CNA, CBUF_CON0, WEIGHT_REUSE, 13, 1, 0)                     \
  REG(CNA, 0x1044, CBUF_CON1)                                       \
  FIELD(CNA, CBUF_CON1, DATA_ENTRIES, 0, 14, FREE)                  \
  REG(CNA, 0x104c, CVT_CON0)                                        \
  FIELD(CNA, CVT_CON0, CVT_BYPASS, 0, 1, 1)                         \
  FIELD(CNA, CVT_CON0, CVT_TYPE, 1, 1, 1)                           \
  FIELD(CNA, CVT_CON0, ROUND_TYPE, 2, 1, 0)                         \
  FIELD(CNA, CVT_CON0, DATA_SIGN, 3, 1, 1)                          \
  FIELD(CNA, CVT_CON0, CVT_TRUNCATE, 4, 24, 0)                      \
  REG(CNA, 0x1050, CVT_CON1)                                        \
  FIELD(CNA, CVT_CON1, CVT_OFFSET0, 0, 16, 0)                       \
  FIELD(CNA, CVT_CON1, CVT_SCALE0, 16, 16, 1)                       \
  REG(CNA, 0x1054, CVT_CON2)                                        \
  FIELD(CNA, CVT_CON2, CVT_OFFSET1, 0, 16, 0)                       \
  FIELD(CNA, CVT_CON2, CVT_SCALE1, 16, 16, 1)                       \
  REG(CNA, 0x1058, CVT_CON3)                                        \
  FIELD(CNA, CVT_CON3, CVT_OFFSET2, 0, 16, 0)                       \
  FIELD(CNA, CVT_CON3, CVT_SCALE2, 16, 16, 1)                       \
  REG(CNA, 0x105c, CVT_CON4)                                        \
  FIELD(CNA, CVT_CON4, CVT_OFFSET3, 0, 16, 0)                       \
  FIELD(CNA, CVT_CON4, CVT_SCALE3, 16, 16, 1)                       \
  REG(CNA, 0x1060, FC_CON0)                                         \
  FIELD(CNA, FC_CON0, FC_SKIP_EN, 0, 1, 0)                          \
  FIELD(CNA, FC_CON0, FC_SKIP_DATA, 16, 16, 0)                      \
  REG(CNA, 0x1064, FC_CON1)                                         \
  FIELD(CNA, FC_CON1, DATA_OFFSET, 0, 17, 0)                        \
  REG(CNA, 0x1068, PAD_CON0)                                        \
  FIELD(CNA, PAD_CON0, PAD_TOP, 0, 4, 0)                            \
  FIELD(CNA, PAD_CON0, PAD_LEFT, 4, 4, 0)                           \
  REG(CNA, 0x1070, FEATURE_DATA_ADDR)                               \
  FIELD(CNA, FEATURE_DATA_ADDR, FEATURE_BASE_ADDR, 0, 32, FREE)     \
  REG(CNA, 0x1074, FC_CON2)                                         \
  FIELD(CNA, FC_CON2, WEIGHT_OFFSET, 0, 17, 0)                      \
  REG(CNA, 0x1078, DMA_CON0)                                        \
  FIELD(CNA, DMA_CON0, DATA_BURST_LEN, 0, 4, FREE)                  \
  FIELD(CNA, DMA_CON0, WEIGHT_BURST_LEN, 16, 4, FREE)               \
  FIELD(CNA, DMA_CON0, OV4K_BYPASS, 31, 1, 0)                       \
  REG(CNA, 0x107c, DMA_CON1)                                        \
  FIELD(CNA, DMA_CON1, LINE_STRIDE, 0, 28, FREE)                    \
  REG(CNA, 0x1080, DMA_CON2)                                        \
  FIELD(CNA, DMA_CON2, SURF_STRIDE, 0, 28, FREE)                    \
  REG(CNA, 0x1084, FC_DATA_SIZE0)                                   \
  FIELD(CNA, FC_DATA_SIZE0, DMA_HEIGHT, 0, 11, FREE)                \
  FIELD(CNA, FC_DATA_SIZE0, DMA_WIDTH, 16, 14, 1)                   \
  REG(CNA, 0x1088, FC_DATA_SIZE1)                                   \
  FIELD(CNA, FC_DATA_SIZE1, DMA_CHANNEL, 0, 16, FREE)               \
  REG(CNA, 0x1100, DCOMP_CTRL)                                      \
  FIELD(CNA, DCOMP_CTRL, DECOMP_CONTROL, 0, 3, 0)                   \
  FIELD(CNA, DCOMP_CTRL, WT_DEC_BYPASS, 3, 1, 0)                    \
  REG(CNA, 0x1104, DCOMP_REGNUM)                                    \
  FIELD(CNA, DCOMP_REGNUM, DCOMP_REGNUM, 0, 32, 0)                  \
  REG(CNA, 0x1110, DCOMP_ADDR0)                                     \
  FIELD(CNA, DCOMP_ADDR0, DECOMPRESS_ADDR0, 0, 32, FREE)            \
  WHOLE(REG, FIELD, CNA, 0x1140, DCOMP_AMOUNT0)                     \
  WHOLE(REG, FIELD, CNA, 0x1144, DCOMP_AMOUNT1)                     \
  WHOLE(REG, FIELD, CNA, 0x1148, DCOMP_AMOUNT2)                     \
  WHOLE(REG, FIELD, CNA, 0x114c, DCOMP_AMOUNT3)                     \
  WHOLE(REG, FIELD, CNA, 0x1150, DCOMP_AMOUNT4)                     \
  WHOLE(REG, FIELD, CNA, 0x1154, DCOMP_AMOUNT5)                     \
  WHOLE(REG, FIELD, CNA, 0x1158, DCOMP_AMOUNT6)                     \
  WHOLE(REG, FIELD, CNA, 0x115c, DCOMP_AMOUNT7)                     \
  WHOLE(REG, FIELD, CNA, 0x1160, DCOMP_AMOUNT8)                     \
  WHOLE(REG, FIELD, CNA, 0x1164, DCOMP_AMOUNT9)                     \
  WHOLE(REG, FIELD, CNA, 0x1168, DCOMP_AMOUNT10)                    \
  WHOLE(REG, FIELD, CNA, 0x116c, DCOMP_AMOUNT11)                    \
  WHOLE(REG, FIELD, CNA, 0x1170, DCOMP_AMOUNT12)                    \
  WHOLE(REG, FIELD, CNA, 0x1174, DCOMP_AMOUNT13)                    \
  WHOLE(REG, FIELD, CNA, 0x1178, DCOMP_AMOUNT14)                    \
  WHOLE(REG, FIELD, CNA, 0x117c, DCOMP_AMOUNT15)                    \
  WHOLE(REG, FIELD, CNA, 0x1180, CVT_CON5)                          \
  WHOLE(REG, FIELD, CNA, 0x1184, PAD_CON1)                          \
  REG(CORE, 0x3010, MISC_CFG)                                       \
  FIELD(CORE, MISC_CFG, QD_EN, 0, 1, FREE)                          \
  FIELD(CORE, MISC_CFG, DW_EN, 1, 1, 0)                             \
  FIELD(CORE, MISC_CFG, PROC_PRECISION, 8, 3, FREE)                 \
  FIELD(CORE, MISC_CFG, SOFT_GATING, 14, 6, 0)                      \
  REG(CORE, 0x3014, DATAOUT_SIZE_0)                                 \
  FIELD(CORE, DATAOUT_SIZE_0, DATAOUT_WIDTH, 0, 16, 0)              \
  FIELD(CORE, DATAOUT_SIZE_0, DATAOUT_HEIGHT, 16, 16, FREE)         \
  REG(CORE, 0x3018, DATAOUT_SIZE_1)                                 \
  FIELD(CORE, DATAOUT_SIZE_1, DATAOUT_CHANNEL, 0, 16, FREE)         \
  REG(CORE, 0x301c, CLIP_TRUNCATE)                                  \
  FIELD(CORE, CLIP_TRUNCATE, CLIP_TRUNCATE, 0, 5, 0)                \
  FIELD(CORE, CLIP_TRUNCATE, ROUND_TYPE, 6, 1, 0)                   \
  WHOLE(REG, FIELD, CORE, 0x3030, UNDOCUMENTED_3030)                \
  REG(DPU, 0x4004, S_POINTER)                                       \
  FIELD(DPU, S_POINTER, POINTER, 0, 1, 0)                           \
  FIELD(DPU, S_POINTER, POINTER_PP_EN, 1, 1, 1)                     \
  FIELD(DPU, S_POINTER, EXECUTER_PP_EN, 2, 1, 1)                    \
  FIELD(DPU, S_POINTER, POINTER_PP_MODE, 3, 1, 1)                   \
  FIELD(DPU, S_POINTER, POINTER_PP_CLEAR, 4, 1, 0)                  \
  FIELD(DPU, S_POINTER, EXECUTER_PP_CLEAR, 5, 1, 0)                 \
  FIELD(DPU, S_POINTER, EXECUTER, 16, 1, 0)                         \
  REG(DPU, 0x400c, FEATURE_MODE_CFG)                                \
  FIELD(DPU, FEATURE_MODE_CFG, FLYING_MODE, 0, 1, 0)                \
  FIELD(DPU, FEATURE_MODE_CFG, OUTPUT_MODE, 1, 2, 2)                \
  FIELD(DPU, FEATURE_MODE_CFG, CONV_MODE, 3, 2, 0)                  \
  FIELD(DPU, FEATURE_MODE_CFG, BURST_LEN, 5, 4, FREE)               \
  FIELD(DPU, FEATURE_MODE_CFG, SURF_LEN, 9, 16, 0)                  \
  FIELD(DPU, FEATURE_MODE_CFG, NONALIGN, 25, 1, 0)                  \
  FIELD(DPU, FEATURE_MODE_CFG, RGP_TYPE, 26, 4, 0)                  \
  FIELD(DPU, FEATURE_MODE_CFG, TP_EN, 30, 1, 0)                     \
  FIELD(DPU, FEATURE_MODE_CFG, COMB_USE, 31, 1, 0)                  \
  REG(DPU, 0x4010, DATA_FORMAT)                                     \
  FIELD(DPU, DATA_FORMAT, PROC_PRECISION, 0, 3, FREE)               \
  FIELD(DPU, DATA_FORMAT, MC_SURF_OUT, 3, 1, 0)                     \
  FIELD(DPU, DATA_FORMAT, BS_MUL_SHIFT_VALUE_NEG, 4, 6, 0)          \
  FIELD(DPU, DATA_FORMAT, BN_MUL_SHIFT_VALUE_NEG, 10, 6, 0)         \
  FIELD(DPU, DATA_FORMAT, EW_TRUNCATE_NEG, 16, 10, 0)               \
  FIELD(DPU, DATA_FORMAT, IN_PRECISION, 26, 3, FREE)                \
  FIELD(DPU, DATA_FORMAT, OUT_PRECISION, 29, 3, FREE)               \
  REG(DPU, 0x4014, OFFSET_PEND)                                     \
  FIELD(DPU, OFFSET_PEND, OFFSET_PEND, 0, 16, 0)                    \
  REG(DPU, 0x4020, DST_BASE_ADDR)                                   \
  FIELD(DPU, DST_BASE_ADDR, DST_BASE_ADDR, 0, 32, FREE)             \
  REG(DPU, 0x4024, DST_SURF_STRIDE)                                 \
  FIELD(DPU, DST_SURF_STRIDE, DST_SURF_STRIDE, 4, 28, FREE)         \
  REG(DPU, 0x4030, DATA_CUBE_WIDTH)                                 \
  FIELD(DPU, DATA_CUBE_WIDTH, WIDTH, 0, 13, 0)                      \
  REG(DPU, 0x4034, DATA_CUBE_HEIGHT)                                \
  FIELD(DPU, DATA_CUBE_HEIGHT, HEIGHT, 0, 13, FREE)                 \
  FIELD(DPU, DATA_CUBE_HEIGHT, MINMAX_CTL, 22, 3, 0)                \
  REG(DPU, 0x4038, DATA_CUBE_NOTCH_ADDR)                            \
  FIELD(DPU, DATA_CUBE_NOTCH_ADDR, NOTCH_ADDR_0, 0, 13, 0)          \
  FIELD(DPU, DATA_CUBE_NOTCH_ADDR, NOTCH_ADDR_1, 16, 13, 0)         \
  REG(DPU, 0x403c, DATA_CUBE_CHANNEL)                               \
  FIELD(DPU, DATA_CUBE_CHANNEL, CHANNEL, 0, 13, FREE)               \
  FIELD(DPU, DATA_CUBE_CHANNEL, ORIG_CHANNEL, 16, 13, FREE)         \
  BYPASSED(REG, FIELD, 0x4040, 0x4044, 0x4048, 0x404c, BS)          \
  REG(DPU, 0x4050, BS_OW_CFG)                                       \
  FIELD(DPU, BS_OW_CFG, OW_SRC, 0, 1, 0)                            \
  FIELD(DPU, BS_OW_CFG, OD_BYPASS, 1, 1, 1)                         \
  FIELD(DPU, BS_OW_CFG, SIZE_E_0, 2, 3, FREE)                       \
  FIELD(DPU, BS_OW_CFG, SIZE_E_1, 5, 3, FREE)                       \
  FIELD(DPU, BS_OW_CFG, SIZE_E_2, 8, 3, FREE)                       \
  FIELD(DPU, BS_OW_CFG, TP_ORG_EN, 27, 1, 0)                        \
  FIELD(DPU, BS_OW_CFG, RGP_CNTER, 28, 4, 0)                        \
  REG(DPU, 0x4054, BS_OW_OP)                                        \
  FIELD(DPU, BS_OW_OP, OW_OP, 0, 16, 0)                             \
  REG(DPU, 0x4058, WDMA_SIZE_0)                                     \
  FIELD(DPU, WDMA_SIZE_0, CHANNEL_WDMA, 0, 13, FREE)                \
  FIELD(DPU, WDMA_SIZE_0, SIZE_C_WDMA, 16, 11, 0)                   \
  FIELD(DPU, WDMA_SIZE_0, TP_PRECISION, 27, 1, 0)                   \
  REG(DPU, 0x405c, WDMA_SIZE_1)                                     \
  FIELD(DPU, WDMA_SIZE_1, WIDTH_WDMA, 0, 13, 0)                     \
  FIELD(DPU, WDMA_SIZE_1, HEIGHT_WDMA, 16, 13, FREE)                \
  BYPASSED(REG, FIELD, 0x4060, 0x4064, 0x4068, 0x406c, BN)          \
  REG(DPU, 0x4070, EW_CFG)                                          \
  FIELD(DPU, EW_CFG, EW_BYPASS, 0, 1, 1)                            \
  FIELD(DPU, EW_CFG, EW_OP_BYPASS, 1, 1, 1)                         \
  FIELD(DPU, EW_CFG, EW_OP_TYPE, 2, 1, 0)                           \
  FIELD(DPU, EW_CFG, EW_MUL_PRELU, 5, 1, 0)                         \
  FIELD(DPU, EW_CFG, EW_OP_SRC, 6, 1, 0)                            \
  FIELD(DPU, EW_CFG, EW_LUT_BYPASS, 7, 1, 1)                        \
  FIELD(DPU, EW_CFG, EW_OP_CVT_BYPASS, 8, 1, 1)                     \
  FIELD(DPU, EW_CFG, EW_RELU_BYPASS, 9, 1, 1)                       \
  FIELD(DPU, EW_CFG, EW_RELUX_EN, 10, 1, 0)                         \
  FIELD(DPU, EW_CFG, EW_ALU_ALGO, 16, 4, 0)                         \
  FIELD(DPU, EW_CFG, EW_BINARY_EN, 20, 1, 0)                        \
  FIELD(DPU, EW_CFG, EW_EQUAL_EN, 21, 1, 0)                         \
  FIELD(DPU, EW_CFG, EDATA_SIZE, 22, 2, 0)                          \
  FIELD(DPU, EW_CFG, EW_DATA_MODE, 28, 2, 0)                        \
  FIELD(DPU, EW_CFG, EW_CVT_ROUND, 30, 1, 0)                        \
  FIELD(DPU, EW_CFG, EW_CVT_TYPE, 31, 1, 0)                         \
  WHOLE(REG, FIELD, DPU, 0x4074, EW_CVT_OFFSET_VALUE)               \
  REG(DPU, 0x4078, EW_CVT_SCALE_VALUE)                              \
  FIELD(DPU, EW_CVT_SCALE_VALUE, EW_OP_CVT_SCALE, 0, 16, 1)         \
  FIELD(DPU, EW_CVT_SCALE_VALUE, EW_OP_CVT_SHIFT, 16, 6, 0)         \
  FIELD(DPU, EW_CVT_SCALE_VALUE, EW_TRUNCATE, 22, 10, 0)            \
  WHOLE(REG, FIELD, DPU, 0x407c, EW_RELUX_CMP_VALUE)                \
  WHOLE(REG, FIELD, DPU, 0x4080, OUT_CVT_OFFSET)                    \
  REG(DPU, 0x4084, OUT_CVT_SCALE)                                   \
  FIELD(DPU, OUT_CVT_SCALE, OUT_CVT_SCALE, 0, 16, 1)                \
  FIELD(DPU, OUT_CVT_SCALE, FP32TOFP16_EN, 16, 1, FREE)             \
  REG(DPU, 0x4088, OUT_CVT_SHIFT)                                   \
  FIELD(DPU, OUT_CVT_SHIFT, OUT_CVT_SHIFT, 0, 12, 0)                \
  FIELD(DPU, OUT_CVT_SHIFT, MINUS_EXP, 12, 8, 0)                    \
  FIELD(DPU, OUT_CVT_SHIFT, CVT_ROUND, 30, 1, 0)                    \
  FIELD(DPU, OUT_CVT_SHIFT, CVT_TYPE, 31, 1, 0)                     \
  WHOLE(REG, FIELD, DPU, 0x4090, EW_OP_VALUE_0)                     \
  WHOLE(REG, FIELD, DPU, 0x4094, EW_OP_VALUE_1)                     \
  WHOLE(REG, FIELD, DPU, 0x4098, EW_OP_VALUE_2)                     \
  WHOLE(REG, FIELD, DPU, 0x409c, EW_OP_VALUE_3)                     \
  WHOLE(REG, FIELD, DPU, 0x40a0, EW_OP_VALUE_4)                     \
  WHOLE(REG, FIELD, DPU, 0x40a4, EW_OP_VALUE_5)                     \
  WHOLE(REG, FIELD, DPU, 0x40a8, EW_OP_VALUE_6)                     \
  WHOLE(REG, FIELD, DPU, 0x40ac, EW_OP_VALUE_7)                     \
  REG(DPU, 0x40c0, SURFACE_ADD)                                     \
  FIELD(DPU, SURFACE_ADD, SURF_ADD, 4, 28, FREE)                    \
  WHOLE(REG, FIELD, DPU, 0x40c4, UNDOCUMENTED_40C4)                 \
  WHOLE(REG, FIELD, DPU, 0x4100, LUT_ACCESS_CFG)                    \
  WHOLE(REG, FIELD, DPU, 0x4104, LUT_ACCESS_DATA)                   \
  WHOLE(REG, FIELD, DPU, 0x4108, LUT_CFG)                           \
  WHOLE(REG, FIELD, DPU, 0x410c, LUT_INFO)                          \
  WHOLE(REG, FIELD, DPU, 0x4110, LUT_LE_START)                      \
  WHOLE(REG, FIELD, DPU, 0x4114, LUT_LE_END)                        \
  WHOLE(REG, FIELD, DPU, 0x4118, LUT_LO_START)                      \
  WHOLE(REG, FIELD, DPU, 0x411c, LUT_LO_END)                        \
  WHOLE(REG, FIELD, DPU, 0x4120, LUT_LE_SLOPE_SCALE)                \
  WHOLE(REG, FIELD, DPU, 0x4124, LUT_LE_SLOPE_SHIFT)                \
  WHOLE(REG, FIELD, DPU, 0x4128, LUT_LO_SLOPE_SCALE)                \
  WHOLE(REG, FIELD, DPU, 0x412c, LUT_LO_SLOPE_SHIFT)                \
  REG(DPU_RDMA, 0x5004, S_POINTER)                                  \
  FIELD(DPU_RDMA, S_POINTER, POINTER, 0, 1, 0)                      \
  FIELD(DPU_RDMA, S_POINTER, POINTER_PP_EN, 1, 1, 1)                \
  FIELD(DPU_RDMA, S_POINTER, EXECUTER_PP_EN, 2, 1, 1)               \
  FIELD(DPU_RDMA, S_POINTER, POINTER_PP_MODE, 3, 1, 1)              \
  FIELD(DPU_RDMA, S_POINTER, POINTER_PP_CLEAR, 4, 1, 0)             \
  FIELD(DPU_RDMA, S_POINTER, EXECUTER_PP_CLEAR, 5, 1, 0)            \
  FIELD(DPU_RDMA, S_POINTER, EXECUTER, 16, 1, 0)                    \
  REG(DPU_RDMA, 0x5034, ERDMA_CFG)                                  \
  FIELD(DPU_RDMA, ERDMA_CFG, ERDMA_DISABLE, 0, 1, 1)                \
  REG(DPU_RDMA, 0x5044, FEATURE_MODE_CFG)                           \
  FIELD(DPU_RDMA, FEATURE_MODE_CFG, FLYING_MODE, 0, 1, 0)           \
  FIELD(DPU_RDMA, FEATURE_MODE_CFG, CONV_MODE, 1, 2, 0)             \
  FIELD(DPU_RDMA, FEATURE_MODE_CFG, MRDMA_FP16TOFP32_EN, 3, 1, FREE) \
  FIELD(DPU_RDMA, FEATURE_MODE_CFG, MRDMA_DISABLE, 4, 1, 1)         \
  FIELD(DPU_RDMA, FEATURE_MODE_CFG, PROC_PRECISION, 5, 3, FREE)     \
  FIELD(DPU_RDMA, FEATURE_MODE_CFG, COMB_USE, 8, 3, FREE)           \
  FIELD(DPU_RDMA, FEATURE_MODE_CFG, BURST_LEN, 11, 4, FREE)         \
  FIELD(DPU_RDMA, FEATURE_MODE_CFG, IN_PRECISION, 15, 3, FREE)      \
  REG(PC, 0x0010, BASE_ADDRESS)                                     \
  FIELD(PC, BASE_ADDRESS, PC_SEL, 0, 1, 0)                          \
  FIELD(PC, BASE_ADDRESS, PC_SOURCE_ADDR, 4, 28, FREE)              \
  REG(PC, 0x0014, REGISTER_AMOUNTS)                                 \
  FIELD(PC, REGISTER_AMOUNTS, PC_DATA_AMOUNT, 0, 16, FREE)

/* A register of one 32-bit field that a matmul leaves at 0. */
#define WHOLE(REG, FIELD, unit, offset, name) REG(unit, offset, name) FIELD(unit, name, VALUE, 0, 32, 0)

/* The scale and batch-norm stages of the DPU, with the same four registers each: bypassed. */
#define BYPASSED(REG, FIELD, cfg, alu, mul, relux, stage) \
  REG(DPU, cfg, stage##_CFG)                              \
  FIELD(DPU, stage##_CFG, BYPASS, 0, 1, 1)                \
  FIELD(DPU, stage##_CFG, ALU_BYPASS, 1, 1, 1)            \
  FIELD(DPU, stage##_CFG, MUL_BYPASS, 4, 1, 1)            \
  FIELD(DPU, stage##_CFG, MUL_PRELU, 5, 1, 0)             \
  FIELD(DPU, stage##_CFG, RELU_BYPASS, 6, 1, 1)           \
  FIELD(DPU, stage##_CFG, RELUX_EN, 7, 1, 0)              \
  FIELD(DPU, stage##_CFG, ALU_SRC, 8, 1, 0)               \
  FIELD(DPU, stage##_CFG, ALU_ALGO, 16, 4, 0)             \
  WHOLE(REG, FIELD, DPU, alu, stage##_ALU_CFG)            \
  WHOLE(REG, FIELD, DPU, mul, stage##_MUL_CFG)            \
  WHOLE(REG, FIELD, DPU, relux, stage##_RELUX_CMP_VALUE)

#endif
