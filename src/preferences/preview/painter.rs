//! Frames as the screen wants them: in its colours, and no larger than there is room for.

use std::cell::RefCell;

use adw::{gdk, glib};
use gst_video::prelude::*;
use gst_video::{
    VideoConverter, VideoConverterConfig, VideoFormat, VideoFrame, VideoInfo, VideoResamplerMethod,
};
use gstreamer as gst;
use gstreamer_video as gst_video;
use lenscap::settings::Geometry;

/// Bytes of a pixel on the screen.
const PIXEL: u32 = 4;

/// Paints frames of one shape.
pub struct Painter {
    frame: VideoInfo,
    /// Kept as long as the room for the picture stays the same.
    converter: RefCell<Option<VideoConverter>>,
}

impl Painter {
    /// A painter for packed frames of this geometry; `None` where GStreamer knows none such.
    pub fn new(geometry: Geometry) -> Option<Self> {
        let Geometry {
            format,
            width,
            height,
        } = geometry;
        let planes = geometry.planes();
        let offsets: Vec<_> = planes.iter().map(|plane| plane.offset).collect();
        let strides = planes.iter().map(|plane| i32::try_from(plane.stride));
        let strides: Vec<_> = strides.collect::<Result<_, _>>().ok()?;
        let frame = VideoInfo::builder(format.name().parse().ok()?, width, height)
            .offset(&offsets)
            .stride(&strides)
            .size(geometry.frame_len())
            .build();
        Some(Self {
            frame: frame.ok()?,
            converter: RefCell::default(),
        })
    }

    /// Paints a frame to fit into as many device pixels, or in its own size if that is less.
    pub fn paint(&self, frame: &[u8], room: (u32, u32)) -> Result<gdk::Texture, glib::BoolError> {
        let (width, height) = fit((self.frame.width(), self.frame.height()), room);
        let mut converter = self.converter.borrow_mut();
        let converter = match &mut *converter {
            Some(known) if is_size(known.out_info(), width, height) => known,
            other => other.insert(self.converter(width, height)?),
        };
        let input = gst::Buffer::from_slice(frame.to_owned());
        let unreadable = |_| glib::bool_error!("a frame is too short");
        let input = VideoFrame::from_buffer_readable(input, &self.frame).map_err(unreadable)?;
        let output = gst::Buffer::with_size(converter.out_info().size())?;
        let mut output = VideoFrame::from_buffer_writable(output, converter.out_info())
            .map_err(|_| glib::bool_error!("a picture has no room"))?;
        converter.frame(&input, &mut output);
        let pixels = output
            .into_buffer()
            .into_mapped_buffer_readable()
            .map_err(|_| glib::bool_error!("a picture can't be read"))?;
        let stride = (width * PIXEL) as usize;
        let pixels = glib::Bytes::from_owned(pixels);
        let format = gdk::MemoryFormat::B8g8r8a8Premultiplied;
        let size = |length| i32::try_from(length).unwrap_or(i32::MAX);
        Ok(gdk::MemoryTexture::new(size(width), size(height), format, &pixels, stride).upcast())
    }

    fn converter(&self, width: u32, height: u32) -> Result<VideoConverter, glib::BoolError> {
        // The screen's own order of bytes; no frame is transparent.
        let screen = VideoInfo::builder(VideoFormat::Bgra, width, height)
            .fps(self.frame.fps())
            .build()?;
        // The default weighs sixteen pixels for each, which takes longer than a frame lasts.
        let mut config = VideoConverterConfig::new();
        config.set_resampler_method(VideoResamplerMethod::Linear);
        VideoConverter::new(&self.frame, &screen, Some(config))
    }
}

fn is_size(info: &VideoInfo, width: u32, height: u32) -> bool {
    (info.width(), info.height()) == (width, height)
}

/// The largest size of this shape within the room, and within itself. No room is one that isn't known
/// yet: a card comes once, and must not stay as small as that.
fn fit((width, height): (u32, u32), room: (u32, u32)) -> (u32, u32) {
    let is_unknown = room.0 == 0 || room.1 == 0;
    if is_unknown || (room.0 >= width && room.1 >= height) {
        return (width, height);
    }
    let scaled = |length: u32, by: u32, of: u32| {
        let scaled = u64::from(length) * u64::from(by) / u64::from(of.max(1));
        u32::try_from(scaled).unwrap_or(length).max(1)
    };
    let high = scaled(height, room.0, width);
    if high <= room.1 {
        (room.0, high)
    } else {
        (scaled(width, room.1, height), room.1)
    }
}

#[cfg(test)]
mod tests {
    use adw::prelude::*;
    use lenscap::settings::PixelFormat;

    use super::*;

    #[test]
    fn a_picture_fits_and_keeps_its_shape() {
        let full_hd = (1920, 1080);
        assert_eq!(fit(full_hd, (4000, 4000)), full_hd);
        assert_eq!(fit(full_hd, (480, 4000)), (480, 270));
        assert_eq!(fit(full_hd, (1920, 270)), (480, 270));
        assert_eq!(fit((480, 640), (480, 270)), (202, 270));
        assert_eq!(fit(full_hd, (0, 270)), full_hd);
        assert_eq!(fit(full_hd, (1, 1)), (1, 1));
    }

    /// Every format's black, at a width whose lines GStreamer would pad.
    #[test]
    fn black_is_black_in_every_format_and_size() {
        gst::init().unwrap();
        for format in PixelFormat::ALL {
            let geometry = Geometry {
                format,
                width: 70,
                height: 50,
            };
            let mut frame = vec![255; geometry.frame_len()];
            geometry.fill_black(&mut frame);
            let painter = Painter::new(geometry).unwrap();
            for (room, size) in [((700, 500), (70, 50)), ((35, 500), (35, 25))] {
                let picture = painter.paint(&frame, room).unwrap();
                assert_eq!((picture.width(), picture.height()), size);
                let mut pixels = vec![1; (size.0 * size.1 * 4).try_into().unwrap()];
                picture.download(&mut pixels, (size.0 * 4).try_into().unwrap());
                let is_black = |pixel: &[u8]| pixel == [0, 0, 0, 255];
                assert!(pixels.chunks(4).all(is_black), "{format:?} {room:?}");
            }
        }
    }
}
