//! Pixel formats that an output can announce, and how their bytes lie in memory.

use std::iter;
use std::str::FromStr;

use super::text::{SpecError, n_};

/// A raw video format, named as GStreamer names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PixelFormat {
    /// Packed 4:2:2, Y0 U Y1 V: the one format that every application takes.
    Yuy2,
    /// Packed 4:2:2, U Y0 V Y1.
    Uyvy,
    /// A plane of Y and a plane of interleaved UV, 4:2:0: what MIPI sensors deliver.
    Nv12,
    /// Three planes Y, U, V, 4:2:0.
    I420,
}

/// One plane of a frame: `rows` lines of `stride` bytes, from byte `offset` on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plane {
    /// First byte of the plane within the frame.
    pub offset: usize,
    /// Bytes from one line to the next; lines are packed, so also the bytes of a line.
    pub stride: usize,
    /// Lines in the plane.
    pub rows: usize,
    /// The bytes of black, repeated over the whole plane (limited range: Y 16, U and V 128).
    pub black: &'static [u8],
}

impl PixelFormat {
    /// Every format, in the order in which they are listed to users.
    pub const ALL: [Self; 4] = [Self::Yuy2, Self::Uyvy, Self::Nv12, Self::I420];

    /// The name that GStreamer and the command line use.
    pub fn name(self) -> &'static str {
        match self {
            Self::Yuy2 => "YUY2",
            Self::Uyvy => "UYVY",
            Self::Nv12 => "NV12",
            Self::I420 => "I420",
        }
    }

    /// The V4L2 pixel format code (`linux/videodev2.h`, `V4L2_PIX_FMT_*`).
    pub fn fourcc(self) -> u32 {
        u32::from_le_bytes(*match self {
            Self::Yuy2 => b"YUYV",
            Self::Uyvy => b"UYVY",
            Self::Nv12 => b"NV12",
            Self::I420 => b"YU12",
        })
    }

    /// The planes of a frame without padding; `width` and `height` are even.
    pub fn planes(self, width: u32, height: u32) -> Vec<Plane> {
        let (w, h) = (width as usize, height as usize);
        let plane = |offset, stride, rows, black| Plane {
            offset,
            stride,
            rows,
            black,
        };
        match self {
            Self::Yuy2 => vec![plane(0, w * 2, h, &[16, 128])],
            Self::Uyvy => vec![plane(0, w * 2, h, &[128, 16])],
            Self::Nv12 => vec![plane(0, w, h, &[16]), plane(w * h, w, h / 2, &[128])],
            Self::I420 => vec![
                plane(0, w, h, &[16]),
                plane(w * h, w / 2, h / 2, &[128]),
                plane(w * h * 5 / 4, w / 2, h / 2, &[128]),
            ],
        }
    }

    /// Bytes in a frame. Exact: never rounded up to a page, as some drivers' `sizeimage` is.
    pub fn frame_len(self, width: u32, height: u32) -> usize {
        self.planes(width, height)
            .iter()
            .map(|plane| plane.stride * plane.rows)
            .sum()
    }

    /// Makes the whole of `frame` black.
    fn fill_black(self, width: u32, height: u32, frame: &mut [u8]) {
        for plane in self.planes(width, height) {
            let bytes = &mut frame[plane.offset..plane.offset + plane.stride * plane.rows];
            fill(bytes, plane.black);
        }
    }
}

/// The shape of a frame: all that is needed to find its pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Geometry {
    /// How pixels lie in memory.
    pub format: PixelFormat,
    /// Pixels in a line; even.
    pub width: u32,
    /// Lines in a frame; even.
    pub height: u32,
}

impl Geometry {
    /// Bytes in a frame.
    pub fn frame_len(self) -> usize {
        self.format.frame_len(self.width, self.height)
    }

    /// The planes of a frame.
    pub fn planes(self) -> Vec<Plane> {
        self.format.planes(self.width, self.height)
    }

    /// Makes the whole of `frame` black.
    pub fn fill_black(self, frame: &mut [u8]) {
        self.format.fill_black(self.width, self.height, frame);
    }
}

/// A format as the user writes it: its name, or `auto` for `None`.
pub fn parse_format(text: &str) -> Result<Option<PixelFormat>, SpecError> {
    match text {
        "auto" => Ok(None),
        name => name.parse().map(Some),
    }
}

/// Repeats a pattern over bytes of which it divides the length, by doubling what is there.
fn fill(bytes: &mut [u8], pattern: &[u8]) {
    bytes[..pattern.len()].copy_from_slice(pattern);
    let mut done = pattern.len();
    while done < bytes.len() {
        let more = done.min(bytes.len() - done);
        bytes.copy_within(..more, done);
        done += more;
    }
}

impl FromStr for PixelFormat {
    type Err = SpecError;

    fn from_str(text: &str) -> Result<Self, SpecError> {
        Self::ALL
            .into_iter()
            .find(|format| format.name().eq_ignore_ascii_case(text))
            .ok_or_else(|| {
                let known: Vec<_> = iter::once("auto")
                    .chain(Self::ALL.map(Self::name))
                    .collect();
                let sentence = n_("unknown format '{text}': use one of {known}");
                SpecError::unknown(sentence, text, &known)
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn planes_cover_the_frame_without_gaps() {
        for format in PixelFormat::ALL {
            let mut end = 0;
            for plane in format.planes(64, 48) {
                assert_eq!(plane.offset, end, "{}", format.name());
                end += plane.stride * plane.rows;
            }
            assert_eq!(end, format.frame_len(64, 48));
        }
    }

    #[test]
    fn frames_have_the_bytes_that_the_kernel_documents() {
        assert_eq!(PixelFormat::Yuy2.frame_len(1920, 1080), 4_147_200);
        assert_eq!(PixelFormat::Nv12.frame_len(1920, 1080), 3_110_400);
        assert_eq!(PixelFormat::I420.frame_len(640, 480), 460_800);
    }

    #[test]
    fn black_is_black_in_every_format() {
        let mut frame = vec![0; PixelFormat::Uyvy.frame_len(4, 2)];
        PixelFormat::Uyvy.fill_black(4, 2, &mut frame);
        assert_eq!(frame, [128, 16].repeat(8));
        let mut frame = vec![0; PixelFormat::Nv12.frame_len(2, 2)];
        PixelFormat::Nv12.fill_black(2, 2, &mut frame);
        assert_eq!(frame, [16, 16, 16, 16, 128, 128]);
    }
}
