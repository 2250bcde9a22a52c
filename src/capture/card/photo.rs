//! The user's own picture as a placeholder.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use image::imageops::{self, FilterType};
use image::{DynamicImage, ImageDecoder, ImageReader, Rgba, RgbaImage};

/// Bytes of an image's pixels: 64 megapixels. A few kilobytes of PNG can have gigabytes of them.
const MOST_BYTES: u64 = 256 << 20;

/// Loads a picture (PNG, JPEG or WebP) and fits it into a black one of this size, as `RGBx` pixels.
///
/// Keeps its aspect ratio and applies its EXIF orientation.
pub fn load(path: &Path, width: u32, height: u32) -> Result<Vec<u8>> {
    let mut decoder = ImageReader::open(path)?
        .with_guessed_format()?
        .into_decoder()?;
    ensure!(
        decoder.total_bytes() <= MOST_BYTES,
        "the image has more than {} MB of pixels",
        MOST_BYTES >> 20
    );
    let orientation = decoder.orientation()?;
    let mut picture = DynamicImage::from_decoder(decoder).context("the image is damaged")?;
    picture.apply_orientation(orientation);
    Ok(fit(&picture, width, height).into_raw())
}

/// The picture on black, as large as possible without cropping or distortion.
fn fit(picture: &DynamicImage, width: u32, height: u32) -> RgbaImage {
    let scaled = picture
        .resize(width, height, FilterType::Triangle)
        .to_rgba8();
    let mut whole = RgbaImage::from_pixel(width, height, Rgba([0, 0, 0, 255]));
    let left = (width - scaled.width()) / 2;
    let top = (height - scaled.height()) / 2;
    imageops::overlay(&mut whole, &scaled, left.into(), top.into());
    whole
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHITE: [u8; 4] = [255; 4];
    const BLACK: [u8; 4] = [0, 0, 0, 255];

    fn fitted(width: u32, height: u32) -> RgbaImage {
        let white = RgbaImage::from_pixel(width, height, Rgba(WHITE));
        fit(&DynamicImage::ImageRgba8(white), 64, 48)
    }

    #[test]
    fn a_wide_picture_has_bars_above_and_below() {
        let picture = fitted(100, 25);
        assert_eq!(picture.dimensions(), (64, 48));
        assert_eq!(picture.get_pixel(32, 15).0, BLACK);
        assert_eq!(picture.get_pixel(0, 16).0, WHITE);
        assert_eq!(picture.get_pixel(63, 31).0, WHITE);
        assert_eq!(picture.get_pixel(32, 32).0, BLACK);
    }

    #[test]
    fn a_tall_picture_has_bars_at_the_sides() {
        let picture = fitted(10, 40);
        assert_eq!(picture.get_pixel(25, 24).0, BLACK);
        assert_eq!(picture.get_pixel(32, 0).0, WHITE);
        assert_eq!(picture.get_pixel(38, 24).0, BLACK);
    }

    /// The beginning of a PNG image of so many pixels.
    fn png(width: u32, height: u32) -> Vec<u8> {
        let chunk = |kind: &[u8], data: &[u8]| {
            let body = [kind, data].concat();
            let length = u32::try_from(data.len()).unwrap().to_be_bytes();
            [&length[..], &body, &crc(&body).to_be_bytes()].concat()
        };
        let rgba = [8, 6, 0, 0, 0];
        let header = [&width.to_be_bytes()[..], &height.to_be_bytes(), &rgba].concat();
        let signature = b"\x89PNG\r\n\x1a\n".to_vec();
        [signature, chunk(b"IHDR", &header), chunk(b"IDAT", &[])].concat()
    }

    fn crc(bytes: &[u8]) -> u32 {
        let step = |crc: u32, _| (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg());
        !bytes.iter().fold(u32::MAX, |crc, byte| {
            (0..8).fold(crc ^ u32::from(*byte), step)
        })
    }

    #[test]
    fn an_image_that_would_fill_the_memory_is_refused() {
        let file = tempfile::NamedTempFile::new().expect("a temporary file");
        let refusal = |width, height| {
            std::fs::write(&file, png(width, height)).expect("written");
            load(file.path(), 64, 48)
                .expect_err("no pixels")
                .to_string()
        };
        let text = refusal(30_000, 30_000);
        assert!(text.contains("more than 256 MB"), "{text}");
        assert_eq!(refusal(100, 100), "the image is damaged");
    }

    #[test]
    fn an_invalid_or_missing_file_is_an_error() {
        let file = tempfile::NamedTempFile::new().expect("a temporary file");
        std::fs::write(&file, "no picture").expect("written");
        assert!(load(file.path(), 64, 48).is_err());
        assert!(load(Path::new("/nonexistent"), 64, 48).is_err());
    }
}
