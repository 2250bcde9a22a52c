//! Converts drawn pictures to frames of the outputs' format.

use anyhow::{Context, Result};
use gstreamer as gst;
use gstreamer_video::{
    VideoChromaSite, VideoConverter, VideoConverterConfig, VideoDitherMethod, VideoFormat,
    VideoFrame, VideoInfo,
};

use crate::settings::Geometry;

/// Up to this height, a picture is standard definition with BT.601 colours, as in GStreamer and most
/// players.
const SD_LINES: u32 = 576;

pub struct FrameConverter(VideoConverter);

impl FrameConverter {
    pub fn new(geometry: Geometry) -> Result<Self> {
        let mut config = VideoConverterConfig::new();
        // Without dithering, a flat background stays flat and small in the file.
        config.set_dither_method(VideoDitherMethod::None);
        let (picture, frame) = (picture_info(geometry)?, frame_info(geometry)?);
        Ok(Self(VideoConverter::new(&picture, &frame, Some(config))?))
    }

    /// Converts a picture (`RGBx` without padding) to a frame, also without padding.
    pub fn convert(&self, picture: Vec<u8>) -> Result<Vec<u8>> {
        let picture = gst::Buffer::from_slice(picture);
        let picture = VideoFrame::from_buffer_readable(picture, self.0.in_info())
            .ok()
            .context("the picture is too short")?;
        let frame = gst::Buffer::from_mut_slice(vec![0; self.0.out_info().size()]);
        let mut frame = VideoFrame::from_buffer_writable(frame, self.0.out_info())
            .ok()
            .context("the frame is too short")?;
        self.0.frame(&picture, &mut frame);
        Ok(frame.into_buffer().map_readable()?.to_vec())
    }
}

fn picture_info(geometry: Geometry) -> Result<VideoInfo> {
    let info = VideoInfo::builder(VideoFormat::Rgbx, geometry.width, geometry.height)
        .colorimetry(&"sRGB".parse()?)
        .build()?;
    Ok(info)
}

/// The output's format with explicit colours: by default, GStreamer would choose BT.2020 for large
/// pictures, which no webcam has, and place the chroma differently above [`SD_LINES`].
fn frame_info(geometry: Geometry) -> Result<VideoInfo> {
    let colors = if geometry.height > SD_LINES {
        "bt709"
    } else {
        "bt601"
    };
    let planes = geometry.planes();
    let offsets: Vec<_> = planes.iter().map(|plane| plane.offset).collect();
    let strides = planes.iter().map(|plane| i32::try_from(plane.stride));
    let strides = strides.collect::<Result<Vec<_>, _>>()?;
    let format = geometry.format.name().parse()?;
    let info = VideoInfo::builder(format, geometry.width, geometry.height)
        .colorimetry(&colors.parse()?)
        .chroma_site(VideoChromaSite::NONE)
        .offset(&offsets)
        .stride(&strides)
        .size(geometry.frame_len())
        .build()?;
    Ok(info)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::PixelFormat;

    #[test]
    fn red_has_the_colours_of_its_definition_in_unpadded_planes() {
        gstreamer::init().unwrap();
        // Y, U and V of red in BT.601 and BT.709.
        for (height, [y, u, v]) in [(2, [81, 90, 240]), (578, [63, 102, 240])] {
            let geometry = Geometry {
                format: PixelFormat::I420,
                width: 6,
                height,
            };
            let pixels = 6 * height as usize;
            let converter = FrameConverter::new(geometry).unwrap();
            let frame = converter.convert([255, 0, 0, 255].repeat(pixels)).unwrap();
            let planes = [(y, pixels), (u, pixels / 4), (v, pixels / 4)];
            let expected = planes.map(|(value, count)| [value].repeat(count)).concat();
            assert_eq!(frame.len(), expected.len());
            let rounded = |(is, ideal): (&u8, &u8)| is.abs_diff(*ideal) <= 1;
            assert!(frame.iter().zip(&expected).all(rounded), "{frame:?}");
            assert!(converter.convert(vec![0; pixels]).is_err());
        }
    }
}
