//! Files to play, small enough to be written by a test.

use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};

/// Pictures per second of the video.
const PICTURES_PER_S: u32 = 50;
/// Side of its square pictures.
const SIDE: usize = 16;

/// A video without sound of that duration (s): YUV4MPEG2, grey.
pub fn video(folder: &Path, duration_s: f64) -> PathBuf {
    let path = folder.join("video.y4m");
    let mut file = BufWriter::new(std::fs::File::create(&path).unwrap());
    writeln!(file, "YUV4MPEG2 W{SIDE} H{SIDE} F{PICTURES_PER_S}:1 Ip A1:1 C420jpeg").unwrap();
    for _ in 0..(duration_s * f64::from(PICTURES_PER_S)) as usize {
        file.write_all(b"FRAME\n").unwrap();
        file.write_all(&[128; SIDE * SIDE * 3 / 2]).unwrap();
    }
    file.flush().unwrap();
    path
}

/// Silence of that duration (s): WAV, 8 bits, 8 kHz.
pub fn sound(folder: &Path, duration_s: f64) -> PathBuf {
    const RATE: u32 = 8_000;
    let path = folder.join("sound.wav");
    let samples = vec![128_u8; (duration_s * f64::from(RATE)) as usize];
    let length = samples.len() as u32;
    let mut bytes = b"RIFF".to_vec();
    bytes.extend((36 + length).to_le_bytes());
    bytes.extend(b"WAVEfmt ");
    for field in [16_u32, 1 | 1 << 16, RATE, RATE, 1 | 8 << 16] {
        bytes.extend(field.to_le_bytes());
    }
    bytes.extend(b"data");
    bytes.extend(length.to_le_bytes());
    bytes.extend(samples);
    std::fs::write(&path, bytes).unwrap();
    path
}
