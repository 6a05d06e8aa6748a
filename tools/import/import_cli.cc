// SPDX-License-Identifier: Apache-2.0
#include "tools/import/import_cli.h"

#include <CLI/CLI.hpp>
#include <memory>

#include "tools/import/import_command.h"

namespace tallywire {

void AddImportCommand(CLI::App& app, Chosen* chosen) {
  CLI::App* import = app.add_subcommand("import",
                                        "Append the rows of a CSV file (plain, .gz or .zst) as "
                                        "events, by a map. Refused rows are told"
                                        " on stderr, the others are in (exit 3). Safe to break off "
                                        "and to run again: what is in changes"
                                        " nothing");
  import->fallthrough();
  import->footer(
      "Example:\n  tallywire import --map tools/maps/online-retail.yaml --opening-counts "
      "online_retail.csv.zst\n"
      "How to write a map: tools/import/MAPS.md");
  auto options = std::make_shared<ImportOptions>();
  import->add_option("FILE", options->file, "The table, with a header line")->required();
  import->add_option("--map", options->map, "How its rows become events")
      ->type_name("MAP.yaml")
      ->required();
  import->add_flag(
      "--opening-counts", options->opening_counts,
      "Read the table once before, and count for each SKU that would go below zero what "
      "must have been there; such counts are marked as derived");
  import
      ->add_option("--rejected", options->rejected,
                   "Write refused rows here as CSV, with row number, column, reason and text")
      ->type_name("FILE");
  import->add_flag("--dry-run", options->dry_run,
                   "Append nothing, only tell what the map makes of the table");
  import
      ->add_option("--from-row", options->from_row,
                   "Do not append rows before this one (the header is row 1); they are read all "
                   "the same, since ids rest on them")
      ->type_name("N")
      ->check(CLI::NonNegativeNumber);
  import->add_option("--batch", options->batch, "Events sent together")
      ->check(CLI::Range(1, 10'000))
      ->capture_default_str();
  import->callback([chosen, options] {
    *chosen = [options](Context& context) { return RunImport(context, *options);
};
}  // namespace tallywire
);
}

}  // namespace tallywire
