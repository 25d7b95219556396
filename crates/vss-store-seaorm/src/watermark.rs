//! The table of watermarks as a sea-orm entity.
#![expect(
    unreachable_pub,
    reason = "what DeriveEntityModel makes is public and names these types"
)]

use sea_orm::entity::prelude::*;
use sea_orm::sea_query::OnConflict;
use sea_orm::{ActiveValue, ConnectionTrait, DatabaseConnection};
use vss_ports::{PortResult, Watermark};

use crate::error::failed;

/// How far somebody got through something.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "watermarks")]
pub struct Model {
    /// Whose it is.
    #[sea_orm(primary_key, auto_increment = false)]
    pub name: String,
    /// How far.
    pub value: String,
}

/// Watermarks refer to nothing.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// The value of a name.
pub(crate) async fn read(db: &DatabaseConnection, name: &str) -> PortResult<Option<String>> {
    let found = Entity::find_by_id(name.to_owned()).one(db).await;
    let found = found.map_err(failed("read a watermark"))?;
    Ok(found.map(|model| model.value))
}

/// Sets the value of a name.
pub(crate) async fn write<C: ConnectionTrait>(db: &C, watermark: &Watermark) -> PortResult<()> {
    let model = ActiveModel {
        name: ActiveValue::Set(watermark.name.clone()),
        value: ActiveValue::Set(watermark.value.clone()),
    };
    let mut replace = OnConflict::column(Column::Name);
    replace.update_column(Column::Value);
    let written = Entity::insert(model)
        .on_conflict(replace)
        .exec_without_returning(db);
    written
        .await
        .map(|_| ())
        .map_err(failed("write a watermark"))
}
