//! The model as a `StatusNotifierItem`. Lives on ksni's thread.

use async_channel::Sender;
use ksni::menu::{CheckmarkItem, StandardItem};
use ksni::{Category, Icon, MenuItem, Status, ToolTip};

use super::{Click, MenuEntry, Model, Symbol};
use crate::dbus;

pub struct Item {
    model: Model,
    clicks: Sender<Click>,
    /// Whether hosts can find the symbols by name.
    is_themed: bool,
}

impl Item {
    pub fn new(model: Model, clicks: Sender<Click>) -> Self {
        Self {
            model,
            clicks,
            is_themed: Symbol::are_installed(),
        }
    }

    pub fn show(&mut self, model: Model) {
        self.model = model;
    }

    fn click(&self, click: Click) {
        // Sending fails only while the applet ends.
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

    // Shown in place of the icon while the status is `NeedsAttention`.
    fn attention_icon_name(&self) -> String {
        self.name_of(Symbol::Failed)
    }

    fn attention_icon_pixmap(&self) -> Vec<Icon> {
        Symbol::Failed.pixmaps()
    }

    fn tool_tip(&self) -> ToolTip {
        ToolTip {
            title: self.model.headline.clone(),
            // Hosts parse this as markup.
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

fn menu_item(entry: MenuEntry) -> MenuItem<Item> {
    match entry {
        MenuEntry::Line(label) => StandardItem {
            label: literal(&label),
            enabled: false,
            visible: !label.is_empty(),
            ..Default::default()
        }
        .into(),
        MenuEntry::Check {
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
        MenuEntry::Item { label, click } => StandardItem {
            label: literal(&label),
            visible: !label.is_empty(),
            activate: Box::new(move |item: &mut Item| item.click(click)),
            ..Default::default()
        }
        .into(),
        MenuEntry::Separator => MenuItem::Separator,
    }
}

/// Escapes underscores, which would mark mnemonics.
fn literal(label: &str) -> String {
    label.replace('_', "__")
}
