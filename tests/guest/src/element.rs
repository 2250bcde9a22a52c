//! The element: a live push source that behaves like icamerasrc.

use std::{
    sync::{
        Condvar, LazyLock, Mutex, MutexGuard,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use glib::subclass::prelude::*;
use gstreamer as gst;
use gstreamer::{prelude::*, subclass::prelude::*};
use gstreamer_base::{prelude::*, subclass::base_src::CreateSuccess, subclass::prelude::*};
use gstreamer_video as gst_video;
use gstreamer_video::prelude::*;

use crate::{
    config::{CameraConfig, Fault},
    picture::{self, Stamp},
};

pub fn register(plugin: &gst::Plugin) -> Result<(), glib::BoolError> {
    gst::Element::register(
        Some(plugin),
        "icamerasrc",
        gst::Rank::NONE,
        CameraElement::static_type(),
    )
}

glib::wrapper! {
    pub struct CameraElement(ObjectSubclass<Camera>)
        @extends gstreamer_base::PushSrc, gstreamer_base::BaseSrc, gst::Element, gst::Object;
}

/// Sensors, as a vendor's stack lists them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, glib::Enum)]
#[enum_type(name = "GstCamerasrcDeviceName")]
pub enum Sensor {
    #[default]
    #[enum_value(name = "ov02c10-uf", nick = "ov02c10-uf")]
    Ov02c10,
    #[enum_value(name = "ov08x40-uf", nick = "ov08x40-uf")]
    Ov08x40,
    #[enum_value(name = "hm2172-uf", nick = "hm2172-uf")]
    Hm2172,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, glib::Enum)]
#[enum_type(name = "GstCamerasrcIoMode")]
pub enum IoMode {
    #[enum_value(name = "USERPTR", nick = "userptr")]
    UserPtr,
    #[default]
    #[enum_value(name = "MMAP", nick = "mmap")]
    Mmap,
    #[enum_value(name = "DMA_EXPORT", nick = "dma")]
    DmaExport,
    #[enum_value(name = "DMA_IMPORT", nick = "dma_import")]
    DmaImport,
}

/// The real one may crash if a process starts it twice; this one always does.
static STARTED: AtomicBool = AtomicBool::new(false);

static CAPS: LazyLock<gst::Caps> = LazyLock::new(|| {
    gst_video::VideoCapsBuilder::new()
        .format(gst_video::VideoFormat::Nv12)
        .width_range(320..=1920)
        .height_range(240..=1088)
        .framerate_range(gst::Fraction::new(1, 1)..=gst::Fraction::new(60, 1))
        .build()
});

#[derive(Debug, Default, glib::Properties)]
#[properties(wrapper_type = CameraElement)]
pub struct Camera {
    #[property(name = "device-name", get, set, type = Sensor, builder(Sensor::default()))]
    sensor: Mutex<Sensor>,
    #[property(
        name = "buffer-count",
        get,
        set,
        minimum = 2,
        maximum = 10,
        default = 6
    )]
    buffer_count: Mutex<i32>,
    #[property(name = "printfps", get, set)]
    print_fps: Mutex<bool>,
    #[property(name = "io-mode", get, set, type = IoMode, builder(IoMode::default()))]
    io_mode: Mutex<IoMode>,
    session: Mutex<Option<Session>>,
    /// Set while the pipeline is flushing, to end a wait.
    flushing: Mutex<bool>,
    woken: Condvar,
}

/// State between start and stop.
#[derive(Debug)]
struct Session {
    config: CameraConfig,
    fault: Option<Fault>,
    opened: Instant,
    video: Option<gst_video::VideoInfo>,
    next: Stamp,
    due: Option<Instant>,
}

#[glib::object_subclass]
impl ObjectSubclass for Camera {
    const NAME: &'static str = "LenscapStandInCamera";
    type Type = CameraElement;
    type ParentType = gstreamer_base::PushSrc;
}

#[glib::derived_properties]
impl ObjectImpl for Camera {
    fn constructed(&self) {
        self.parent_constructed();
        let source = self.obj();
        source.set_live(true);
        source.set_do_timestamp(true);
        source.set_format(gst::Format::Time);
    }
}

impl GstObjectImpl for Camera {}

impl ElementImpl for Camera {
    fn metadata() -> Option<&'static gst::subclass::ElementMetadata> {
        static METADATA: LazyLock<gst::subclass::ElementMetadata> = LazyLock::new(|| {
            let about = "Behaves and misbehaves like icamerasrc";
            gst::subclass::ElementMetadata::new(
                "icamerasrc stand-in",
                "Source/Video",
                about,
                "lenscap",
            )
        });
        Some(&METADATA)
    }

    fn pad_templates() -> &'static [gst::PadTemplate] {
        static TEMPLATES: LazyLock<Vec<gst::PadTemplate>> = LazyLock::new(|| {
            let always = gst::PadPresence::Always;
            vec![gst::PadTemplate::new("src", gst::PadDirection::Src, always, &CAPS).unwrap()]
        });
        &TEMPLATES
    }
}

impl BaseSrcImpl for Camera {
    fn start(&self) -> Result<(), gst::ErrorMessage> {
        let config = CameraConfig::from_env();
        let fault = config.next_fault();
        config.note("opened");
        if STARTED.swap(true, Ordering::SeqCst) {
            std::process::abort();
        }
        if fault == Some(Fault::StartFail) {
            config.note("closed");
            return Err(gst::error_msg!(
                gst::ResourceError::OpenRead,
                ["the sensor does not answer"]
            ));
        }
        *self.session() = Some(Session {
            config,
            fault,
            opened: Instant::now(),
            video: None,
            next: Stamp {
                counter: 0,
                taken_us: 0,
            },
            due: None,
        });
        Ok(())
    }

    fn stop(&self) -> Result<(), gst::ErrorMessage> {
        if let Some(session) = self.session().take() {
            session.config.note("closed");
        }
        Ok(())
    }

    fn set_caps(&self, caps: &gst::Caps) -> Result<(), gst::LoggableError> {
        let info = gst_video::VideoInfo::from_caps(caps)?;
        if let Some(session) = self.session().as_mut() {
            session.video = Some(info);
        }
        Ok(())
    }

    fn fixate(&self, mut caps: gst::Caps) -> gst::Caps {
        let wish = caps
            .make_mut()
            .structure_mut(0)
            .expect("caps to fixate are not empty");
        wish.fixate_field_nearest_int("width", 1280);
        wish.fixate_field_nearest_int("height", 720);
        wish.fixate_field_nearest_fraction("framerate", gst::Fraction::new(30, 1));
        self.parent_fixate(caps)
    }

    fn decide_allocation(
        &self,
        query: &mut gst::query::Allocation,
    ) -> Result<(), gst::LoggableError> {
        let offered = query.allocation_pools().any(|(pool, ..)| pool.is_some());
        let tolerant = self
            .session()
            .as_ref()
            .is_some_and(|s| s.config.without_pool);
        if !offered && !tolerant {
            segfault();
        }
        self.parent_decide_allocation(query)
    }

    fn is_seekable(&self) -> bool {
        false
    }

    fn unlock(&self) -> Result<(), gst::ErrorMessage> {
        *self.flushing.lock().unwrap() = true;
        self.woken.notify_all();
        Ok(())
    }

    fn unlock_stop(&self) -> Result<(), gst::ErrorMessage> {
        *self.flushing.lock().unwrap() = false;
        Ok(())
    }
}

impl PushSrcImpl for Camera {
    fn create(
        &self,
        _buffer: Option<&mut gst::BufferRef>,
    ) -> Result<CreateSuccess, gst::FlowError> {
        let (fault, due, info, mut stamp) = {
            let session = self.session();
            let session = session.as_ref().ok_or(gst::FlowError::Flushing)?;
            let info = session.video.clone().ok_or(gst::FlowError::NotNegotiated)?;
            let due = session.due.unwrap_or(session.opened + session.config.start);
            (session.fault_at(&info), due, info, session.next)
        };
        self.wait(due)?;
        self.apply_fault(fault, stamp.counter)?;

        let mut buffer = match self.obj().buffer_pool() {
            Some(pool) => pool.acquire_buffer(None)?,
            None => gst::Buffer::with_size(info.size()).map_err(|_| gst::FlowError::Error)?,
        };
        stamp.taken_us = picture::now_us();
        draw(buffer.get_mut().ok_or(gst::FlowError::Error)?, &info, stamp)?;
        if let Some(session) = self.session().as_mut() {
            session.next.counter += 1;
            session.due = Some(next_due(
                due,
                info.fps() / gst::Fraction::from(session.config.every.cast_signed()),
            ));
        }
        Ok(CreateSuccess::NewBuffer(buffer))
    }
}

impl Session {
    /// The fault at this size: sizes that the sensor lacks negotiate, but provide no frame.
    fn fault_at(&self, info: &gst_video::VideoInfo) -> Option<Fault> {
        let size = format!("{}x{}", info.width(), info.height());
        if self.config.sizes.contains(&size) {
            self.fault
        } else {
            Some(Fault::Silent(0))
        }
    }
}

impl Camera {
    fn session(&self) -> MutexGuard<'_, Option<Session>> {
        self.session.lock().unwrap()
    }

    fn apply_fault(&self, fault: Option<Fault>, frames: u32) -> Result<(), gst::FlowError> {
        match fault {
            Some(Fault::Crash(after)) if frames >= after => std::process::abort(),
            Some(Fault::Segfault(after)) if frames >= after => segfault(),
            // Holds the stream lock, which also blocks a state change to NULL.
            Some(Fault::Hang(after)) if frames >= after => loop {
                thread::park();
            },
            Some(Fault::Silent(after)) if frames >= after => {
                self.wait(Instant::now() + Duration::from_secs(86_400))
            }
            _ => Ok(()),
        }
    }

    /// Waits until `due` or until the pipeline is flushing.
    fn wait(&self, due: Instant) -> Result<(), gst::FlowError> {
        let flushing = self.flushing.lock().unwrap();
        let timeout = due.saturating_duration_since(Instant::now());
        let (flushing, _) = self
            .woken
            .wait_timeout_while(flushing, timeout, |flushing| !*flushing)
            .unwrap();
        if *flushing {
            Err(gst::FlowError::Flushing)
        } else {
            Ok(())
        }
    }
}

/// A late frame does not delay the next, but missed frames are skipped, as with a real sensor.
fn next_due(due: Instant, rate: gst::Fraction) -> Instant {
    let frame = Duration::from_secs_f64(f64::from(rate.denom()) / f64::from(rate.numer().max(1)));
    let mut next = due + frame;
    while next + frame < Instant::now() {
        next += frame;
    }
    next
}

fn draw(
    buffer: &mut gst::BufferRef,
    info: &gst_video::VideoInfo,
    stamp: Stamp,
) -> Result<(), gst::FlowError> {
    let mut frame = gst_video::VideoFrameRef::from_buffer_ref_writable(buffer, info)
        .map_err(|_| gst::FlowError::Error)?;
    let mut line = vec![0; info.width() as usize];
    stamp.draw(&mut line);
    fill_plane(&mut frame, 0, &line)?;
    fill_plane(
        &mut frame,
        1,
        &[picture::CB, picture::CR].repeat(line.len() / 2),
    )
}

fn fill_plane(
    frame: &mut gst_video::VideoFrameRef<&mut gst::BufferRef>,
    plane: u32,
    line: &[u8],
) -> Result<(), gst::FlowError> {
    let stride =
        usize::try_from(frame.plane_stride()[plane as usize]).expect("strides are positive");
    let rows = frame.comp_height(plane) as usize;
    let data = frame
        .plane_data_mut(plane)
        .map_err(|_| gst::FlowError::Error)?;
    for row in data.chunks_mut(stride).take(rows) {
        row[..line.len()].copy_from_slice(line);
    }
    Ok(())
}

fn segfault() -> ! {
    // SAFETY: none, on purpose: the first page is never mapped.
    unsafe { std::ptr::without_provenance_mut::<u8>(8).write_volatile(0) };
    unreachable!("somebody has mapped the first page")
}
