//! The fake camera's picture: a stamp at the start of every line, a moving bar, and a colour that no placeholder has.

/// The camera's colour: a magenta unlike all colours of the placeholder cards.
pub const LUMA: u8 = 150;
pub const CB: u8 = 200;
pub const CR: u8 = 220;
/// Tolerance of chroma for conversions.
const CHROMA_TOLERANCE: u8 = 20;

const BAR_LUMA: u8 = 220;
const BAR_WIDTH: usize = 16;

/// A bit is two pixels wide, to survive chroma interpolation with neighbours.
const BIT_WIDTH: usize = 2;
const BIT_LUMA: [u8; 2] = [64, 192];
const MAGIC: u128 = 0b1011_0010;
const COUNTER_BITS: u32 = 32;
/// Microseconds of `CLOCK_MONOTONIC`: 12 days.
const TIME_BITS: u32 = 40;
const STAMP_BITS: u32 = 8 + COUNTER_BITS + TIME_BITS;
/// Width of the stamp in pixels.
pub const STAMP_WIDTH: usize = STAMP_BITS as usize * BIT_WIDTH;

/// Microseconds of `CLOCK_MONOTONIC`, the same in every process.
pub fn now_us() -> u64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    now.tv_sec.cast_unsigned() * 1_000_000 + now.tv_nsec.cast_unsigned() / 1000
}

/// Frame number and capture time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    pub counter: u32,
    pub taken_us: u64,
}

impl Stamp {
    /// Draws one line of luma; every line of a frame is the same.
    pub fn draw(self, line: &mut [u8]) {
        let bits = (MAGIC << (COUNTER_BITS + TIME_BITS))
            | (u128::from(self.counter) << TIME_BITS)
            | u128::from(self.taken_us & ((1 << TIME_BITS) - 1));
        line.fill(LUMA);
        for (i, pixels) in line[..STAMP_WIDTH].chunks_exact_mut(BIT_WIDTH).enumerate() {
            pixels.fill(BIT_LUMA[(bits >> (STAMP_BITS as usize - 1 - i)) as usize & 1]);
        }
        let room = line.len() - STAMP_WIDTH - BAR_WIDTH;
        let bar = STAMP_WIDTH + self.counter as usize * 4 % room;
        line[bar..bar + BAR_WIDTH].fill(BAR_LUMA);
    }

    /// Reads a line; `None` if it isn't the camera's.
    fn read(luma: impl Fn(usize) -> u8) -> Option<Self> {
        let bits = (0..STAMP_BITS as usize).fold(0_u128, |bits, i| {
            (bits << 1) | u128::from(luma(i * BIT_WIDTH) >= 128)
        });
        (bits >> (COUNTER_BITS + TIME_BITS) == MAGIC).then_some(Self {
            counter: u32::try_from((bits >> TIME_BITS) & u128::from(u32::MAX)).ok()?,
            taken_us: u64::try_from(bits & ((1 << TIME_BITS) - 1)).ok()?,
        })
    }
}

/// Whether memory of unknown layout contains the start of a camera line. A test for the colour alone would also match other
/// pictures' bytes.
pub fn shows_camera(memory: &[u8]) -> bool {
    let mut line = [0; STAMP_WIDTH + BAR_WIDTH + 1];
    Stamp {
        counter: 0,
        taken_us: 0,
    }
    .draw(&mut line);
    let head = &line[..8 * BIT_WIDTH];
    memory
        .windows(head.len() * 2)
        .any(|window| window.starts_with(head) || window.iter().step_by(2).eq(head))
}

fn is_camera(cb: u8, cr: u8) -> bool {
    cb.abs_diff(CB) <= CHROMA_TOLERANCE && cr.abs_diff(CR) <= CHROMA_TOLERANCE
}

/// The memory layout of the pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    Yuy2,
    Nv12,
}

/// A client's view of one frame.
#[derive(Debug, Clone, Copy)]
pub struct Picture<'a> {
    pub data: &'a [u8],
    pub layout: Layout,
    pub width: usize,
    pub height: usize,
}

impl Picture<'_> {
    pub fn stamp(&self) -> Option<Stamp> {
        self.stamp_of(0)
    }

    /// Whether lines are from more than one frame.
    pub fn is_torn(&self) -> bool {
        let first = self.stamp();
        let head = STAMP_WIDTH * self.pixel_step();
        let line = |y: usize| &self.data[y * self.line_length()..][..head];
        // Lines equal to the one above have the same stamp.
        (1..self.height).any(|y| line(y) != line(y - 1) && self.stamp_of(y) != first)
    }

    /// The number of pixels in the camera's colour.
    pub fn camera_pixels(&self) -> usize {
        match self.layout {
            Layout::Yuy2 => {
                2 * self
                    .data
                    .chunks_exact(4)
                    .filter(|p| is_camera(p[1], p[3]))
                    .count()
            }
            Layout::Nv12 => {
                let chroma = &self.data[self.width * self.height..];
                4 * chroma
                    .chunks_exact(2)
                    .filter(|p| is_camera(p[0], p[1]))
                    .count()
            }
        }
    }

    fn stamp_of(&self, y: usize) -> Option<Stamp> {
        let line = &self.data[y * self.line_length()..];
        Stamp::read(|x| line[x * self.pixel_step()])
    }

    /// Bytes from one luma sample to the next.
    fn pixel_step(&self) -> usize {
        match self.layout {
            Layout::Yuy2 => 2,
            Layout::Nv12 => 1,
        }
    }

    fn line_length(&self) -> usize {
        self.width * self.pixel_step()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WIDTH: usize = 320;
    const HEIGHT: usize = 4;

    fn frame(counter: u32) -> Vec<u8> {
        let mut line = vec![0; WIDTH];
        Stamp {
            counter,
            taken_us: 1_234_567_890,
        }
        .draw(&mut line);
        let mut data = line.repeat(HEIGHT);
        data.extend([CB, CR].repeat(WIDTH * HEIGHT / 4));
        data
    }

    fn picture(data: &[u8]) -> Picture<'_> {
        Picture {
            data,
            layout: Layout::Nv12,
            width: WIDTH,
            height: HEIGHT,
        }
    }

    #[test]
    fn a_stamp_can_be_read_back() {
        let data = frame(4_000_000_000);
        let stamp = picture(&data).stamp().expect("the camera drew it");
        assert_eq!(
            stamp,
            Stamp {
                counter: 4_000_000_000,
                taken_us: 1_234_567_890
            }
        );
        assert!(!picture(&data).is_torn());
        assert_eq!(picture(&data).camera_pixels(), WIDTH * HEIGHT);
    }

    #[test]
    fn a_stamp_survives_packing() {
        let nv12 = frame(7);
        let data: Vec<u8> = nv12[..WIDTH * HEIGHT]
            .chunks_exact(2)
            .flat_map(|luma| [luma[0], CB, luma[1], CR])
            .collect();
        let yuy2 = Picture {
            layout: Layout::Yuy2,
            ..picture(&data)
        };
        assert_eq!(yuy2.stamp(), picture(&nv12).stamp());
        assert_eq!(yuy2.camera_pixels(), WIDTH * HEIGHT);
        assert!(shows_camera(&nv12) && shows_camera(&data));
    }

    #[test]
    fn one_line_of_another_frame_is_torn() {
        let mut data = frame(1);
        data[2 * WIDTH..3 * WIDTH].copy_from_slice(&frame(2)[..WIDTH]);
        assert!(picture(&data).is_torn());
    }

    #[test]
    fn a_camera_line_in_a_placeholder_is_torn() {
        let mut data = vec![128; WIDTH * HEIGHT * 3 / 2];
        assert!(!shows_camera(&data));
        assert!(!picture(&data).is_torn());
        assert_eq!(picture(&data).stamp(), None);
        assert_eq!(picture(&data).camera_pixels(), 0);
        data[3 * WIDTH..4 * WIDTH].copy_from_slice(&frame(2)[..WIDTH]);
        assert!(picture(&data).is_torn());
    }
}
