process.env.NPU_FFI = 'ffi-napi';
