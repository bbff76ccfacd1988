#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| yep_fuzz::script::file(data));
