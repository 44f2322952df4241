//! Registers the schema once for all macros of cynic.

fn main() {
    println!("cargo::rerun-if-changed=../../../schema.graphql");
    cynic_codegen::register_schema("guildhall")
        .from_sdl_file("../../../schema.graphql")
        .expect("cynic reads the schema")
        .as_default()
        .expect("cynic keeps the schema");
}
