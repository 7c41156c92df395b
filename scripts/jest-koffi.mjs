process.env.NPU_FFI = 'koffi';
