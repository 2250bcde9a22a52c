//! Round trips from writer to reader, and invalid files.

use std::io::Write;

use super::*;
use crate::relay::FaultKind;
use crate::settings::PixelFormat;

fn geometry(format: PixelFormat) -> Geometry {
    Geometry {
        format,
        width: 16,
        height: 8,
    }
}

/// A black frame with a few other bytes, so that rows have spans at their start, end and in between.
fn frame(geometry: Geometry, odd: &[usize]) -> Vec<u8> {
    let mut frame = vec![0; geometry.frame_len()];
    geometry.fill_black(&mut frame);
    for i in odd {
        let i = i % frame.len();
        frame[i] = 99;
    }
    frame
}

fn file(bytes: &[u8]) -> File {
    let mut file = tempfile::tempfile().expect("a temporary file");
    file.write_all(bytes).expect("room for the file");
    file
}

fn painted(pictures: &Pictures, card: Card) -> Vec<u8> {
    let mut frame = vec![7; pictures.geometry.frame_len()];
    pictures.paint(card, &mut frame).expect("a picture");
    frame
}

#[test]
fn pictures_are_read_back_unchanged_in_every_format() {
    for format in PixelFormat::ALL {
        let geometry = geometry(format);
        let off = frame(geometry, &[0, 3, 40, 63, 64, 100, 130, 150, 190]);
        let failed = frame(geometry, &[]);
        let busy = Card::Failed(FaultKind::Busy);
        let mut bytes = Vec::new();
        write_picture(&mut bytes, geometry, &[Card::Off, Card::Paused], &off).expect("written");
        write_picture(&mut bytes, geometry, &[busy], &failed).expect("written");
        let pictures = Pictures::open(file(&bytes), geometry).expect("valid");
        assert_eq!(painted(&pictures, Card::Off), off, "{}", format.name());
        assert_eq!(painted(&pictures, Card::Paused), off);
        assert_eq!(painted(&pictures, busy), failed);
        assert_eq!(painted(&pictures, Card::Starting), frame(geometry, &[]));
    }
}

#[test]
fn a_picture_of_noise_is_read_back_unchanged() {
    let geometry = geometry(PixelFormat::I420);
    let bytes = (0..geometry.frame_len()).map(|i| u8::try_from(i * 7919 % 251).unwrap_or(0));
    let noise: Vec<u8> = bytes.collect();
    let mut bytes = Vec::new();
    write_picture(&mut bytes, geometry, &[Card::Off], &noise).expect("written");
    let pictures = Pictures::open(file(&bytes), geometry).expect("valid");
    assert_eq!(painted(&pictures, Card::Off), noise);
}

#[test]
fn black_needs_no_file_and_keeps_bytes_after_the_frame() {
    let geometry = geometry(PixelFormat::Nv12);
    let mut buffer = vec![7; geometry.frame_len() + 3];
    let pictures = Pictures::black(geometry);
    pictures.paint(Card::Off, &mut buffer).expect("black");
    assert_eq!(buffer[..geometry.frame_len()], frame(geometry, &[]));
    assert_eq!(buffer[geometry.frame_len()..], [7; 3]);
    let short = &mut buffer[..geometry.frame_len() - 1];
    assert!(pictures.paint(Card::Off, short).is_err());
}

#[test]
fn a_file_that_is_truncated_anywhere_is_an_error() {
    let geometry = geometry(PixelFormat::Yuy2);
    let mut bytes = Vec::new();
    let picture = frame(geometry, &[40, 77, 200]);
    write_picture(&mut bytes, geometry, &[Card::Off], &picture).expect("written");
    for len in 1..bytes.len() {
        assert!(
            Pictures::open(file(&bytes[..len]), geometry).is_err(),
            "{len} bytes"
        );
    }
    bytes.push(0);
    assert!(Pictures::open(file(&bytes), geometry).is_err());
    assert!(
        Pictures::open(file(&[]), geometry).is_ok(),
        "no picture: all black"
    );
}

#[test]
fn a_hostile_file_is_an_error_and_never_a_panic() {
    let geometry = geometry(PixelFormat::Nv12);
    let mut good = Vec::new();
    let picture = frame(geometry, &[40, 77, 150]);
    write_picture(&mut good, geometry, &[Card::Off], &picture).expect("written");
    for at in 0..good.len() {
        for value in [0, 1, 0x7f, 0xff] {
            let mut bytes = good.clone();
            bytes[at] = value;
            if let Ok(pictures) = Pictures::open(file(&bytes), geometry) {
                let _ = pictures.paint(Card::Off, &mut vec![0; geometry.frame_len()]);
            }
        }
    }
}

#[test]
fn another_geometry_is_an_error() {
    let yuy2 = geometry(PixelFormat::Yuy2);
    let uyvy = geometry(PixelFormat::Uyvy);
    let mut bytes = Vec::new();
    write_picture(&mut bytes, yuy2, &[Card::Off], &frame(yuy2, &[])).expect("written");
    assert!(Pictures::open(file(&bytes), uyvy).is_err());
}

#[test]
fn a_file_that_shrinks_later_paints_black() {
    let geometry = geometry(PixelFormat::Yuy2);
    let mut bytes = Vec::new();
    write_picture(
        &mut bytes,
        geometry,
        &[Card::Off],
        &frame(geometry, &[40, 77]),
    )
    .expect("written");
    let file = file(&bytes);
    let pictures = Pictures::open(file.try_clone().expect("a second descriptor"), geometry);
    file.set_len(HEADER_LEN as u64 + 40).expect("shrunk");
    let mut painted = vec![7; geometry.frame_len()];
    let result = pictures.expect("valid").paint(Card::Off, &mut painted);
    assert!(result.is_err());
    assert_eq!(painted, frame(geometry, &[]));
}
