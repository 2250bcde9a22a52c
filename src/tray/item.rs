//! The model in the words of the `StatusNotifierItem` protocol. Lives on ksni's thread.

use async_channel::Sender;
use ksni::menu::{CheckmarkItem, StandardItem};
use ksni::{Category, Icon, MenuItem, Status, ToolTip};

use super::{Click, Entry, Model, Symbol};
use crate::dbus;

/// What ksni serves.
pub struct Item {
    model: Model,
    clicks: Sender<Click>,
    /// Whether hosts find the symbols by name.
    is_themed: bool,
}

impl Item {
    /// An item that tells of clicks.
    pub fn new(model: Model, clicks: Sender<Click>) -> Self {
        Self {
            model,
            clicks,
            is_themed: Symbol::are_installed(),
        }
    }

    /// Shows something else.
    pub fn show(&mut self, model: Model) {
        self.model = model;
    }

    fn click(&self, click: Click) {
        // Fails only when the applet is ending.
        let _ = self.clicks.try_send(click);
    }

    fn name_of(&self, symbol: Symbol) -> String {
        if self.is_themed {
            symbol.icon_name()
        } else {
            String::new()
        }
    }
}

impl ksni::Tray for Item {
    fn id(&self) -> String {
        dbus::NAME.to_owned()
    }

    fn title(&self) -> String {
        "Lenscap".to_owned()
    }

    fn category(&self) -> Category {
        Category::Hardware
    }

    fn status(&self) -> Status {
        if self.model.needs_attention() {
            Status::NeedsAttention
        } else {
            Status::Active
        }
    }

    fn icon_name(&self) -> String {
        self.name_of(self.model.symbol)
    }

    fn icon_pixmap(&self) -> Vec<Icon> {
        self.model.symbol.pixmaps()
    }

    // What is shown in place of the icon while attention is needed.
    fn attention_icon_name(&self) -> String {
        self.name_of(Symbol::Failed)
    }

    fn attention_icon_pixmap(&self) -> Vec<Icon> {
        Symbol::Failed.pixmaps()
    }

    fn tool_tip(&self) -> ToolTip {
        ToolTip {
            title: self.model.headline.clone(),
            // Hosts read this as markup.
            description: glib::markup_escape_text(&self.model.detail).into(),
            ..ToolTip::default()
        }
    }

    fn activate(&mut self, _x: i32, _y: i32) {
        self.click(self.model.toggle());
    }

    fn menu(&self) -> Vec<MenuItem<Self>> {
        self.model.menu().into_iter().map(menu_item).collect()
    }
}

fn menu_item(entry: Entry) -> MenuItem<Item> {
    match entry {
        Entry::Line(label) => StandardItem {
            label: literal(&label),
            enabled: false,
            visible: !label.is_empty(),
            ..Default::default()
        }
        .into(),
        Entry::Check {
            label,
            checked,
            click,
        } => CheckmarkItem {
            label: literal(&label),
            checked,
            activate: Box::new(move |item: &mut Item| item.click(click)),
            ..Default::default()
        }
        .into(),
        Entry::Item { label, click } => StandardItem {
            label: literal(&label),
            activate: Box::new(move |item: &mut Item| item.click(click)),
            ..Default::default()
        }
        .into(),
        Entry::Separator => MenuItem::Separator,
    }
}

/// A label without mnemonic: names and paths have underscores of their own.
fn literal(label: &str) -> String {
    label.replace('_', "__")
}
