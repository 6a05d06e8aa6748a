// SPDX-License-Identifier: Apache-2.0
#include "tools/commands/listing.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "ledger/status.h"
#include "tallywire/v1/api.pb.h"
#include "tools/commands/rows.h"

namespace tallywire {
namespace {

constexpr char kKindPrefix[] = "SITE_KIND_";
constexpr char kPoolPrefix[] = "POOL_";

std::vector<Column> ListingColumns() {
  return {{"CHANNEL"},
          {"LISTING"},
          {"SKU"},
          {"LOCATIONS", Align::kLeft, true},
          {"KINDS", Align::kLeft, true},
          {"POOLS", Align::kLeft, true},
          {"BUFFER", Align::kRight, true},
          {"PERCENT", Align::kRight, true},
          {"MAX", Align::kRight, true},
          {"FIXED", Align::kRight, true},
          {"STATE"}};
}

Rows::Cells ListingCells(const v1::Listing& listing) {
  std::vector<std::string> kinds;
  for (const int kind : listing.kinds()) {
    kinds.push_back(ShortName(v1::SiteKind_Name(kind), kKindPrefix));
  }
  std::vector<std::string> pools;
  for (const int pool : listing.pools())
    pools.push_back(ShortName(v1::Pool_Name(pool), kPoolPrefix));
  const auto number = [](bool is_set, int64_t n) { return is_set ? absl::StrCat(n) : ""; };
  return {{listing.channel(), listing.listing_id(), listing.sku(),
           absl::StrJoin(listing.locations(), ","), absl::StrJoin(kinds, ","),
           absl::StrJoin(pools, ","), number(listing.buffer() != 0, listing.buffer()),
           number(listing.has_percent(), listing.percent()),
           number(listing.has_max(), listing.max()), number(listing.has_fixed(), listing.fixed()),
           listing.paused() ? "paused" : "active"}};
}

absl::Status Print(const Context& context, const v1::Listing& listing) {
  if (!WriteMessage(context, listing)) {
    Table table(&context.out(), ListingColumns());
    for (std::vector<std::string>& row : ListingCells(listing)) table.Row(std::move(row));
    table.End();
  }
  return context.out().Flush();
}

absl::Status Call(Context& context, const char* method, const ListingName& name,
                  const v1::Listing* body, v1::Listing* out) {
  TW_ASSIGN_OR_RETURN(
      Connection* const connection,
      context.Connect({.settle = true, .create = body != nullptr, .needs = Needs::kListings}));
  ApiRequest request;
  request.method = method;
  request.path = {"listings", name.channel, name.listing_id};
  request.body = body;
  return connection->api->Call(request, out);
}

// The number of an enum value by its name; `parse` is the enum's own.
template <class E>
absl::Status AddEnum(const std::string& flag, const std::string& text, const char* prefix,
                     bool (*parse)(google::protobuf::ConstStringParam, E*),
                     google::protobuf::RepeatedField<int>* out) {
  const std::string name = absl::AsciiStrToUpper(text);
  E value{};
  if (!parse(name, &value) && !parse(absl::StrCat(prefix, name), &value)) {
    return absl::InvalidArgumentError(absl::StrCat(flag, ": there is no `", text, "`"));
  }
  out->Add(value);
  return absl::OkStatus();
}

}  // namespace

Result RunPutListing(Context& context, const PutListingOptions& options) {
  v1::Listing listing;
  listing.set_channel(options.name.channel);
  listing.set_listing_id(options.name.listing_id);
  listing.set_sku(options.sku);
  for (const std::string& location : options.locations) listing.add_locations(location);
  for (const std::string& kind : options.kinds) {
    TW_RETURN_IF_ERROR(AddEnum<v1::SiteKind>("--kind", kind, kKindPrefix, v1::SiteKind_Parse,
                                             listing.mutable_kinds()));
  }
  for (const std::string& pool : options.pools) {
    TW_RETURN_IF_ERROR(
        AddEnum<v1::Pool>("--pool", pool, kPoolPrefix, v1::Pool_Parse, listing.mutable_pools()));
  }
  listing.set_buffer(options.buffer);
  if (options.percent) listing.set_percent(*options.percent);
  if (options.max) listing.set_max(*options.max);
  if (options.fixed) listing.set_fixed(*options.fixed);
  listing.set_paused(options.paused);

  v1::Listing put;
  TW_RETURN_IF_ERROR(Call(context, "PUT", options.name, &listing, &put));
  TW_RETURN_IF_ERROR(Print(context, put));
  return Exit::kOk;
}

Result RunGetListing(Context& context, const ListingName& name) {
  v1::Listing listing;
  TW_RETURN_IF_ERROR(Call(context, "GET", name, nullptr, &listing));
  TW_RETURN_IF_ERROR(Print(context, listing));
  return Exit::kOk;
}

Result RunRemoveListing(Context& context, const ListingName& name) {
  v1::Listing listing;
  TW_RETURN_IF_ERROR(Call(context, "DELETE", name, nullptr, &listing));
  context.Say(absl::StrCat("removed ", Printable(name.channel), " ", Printable(name.listing_id),
                           "; it was:"));
  TW_RETURN_IF_ERROR(Print(context, listing));
  return Exit::kOk;
}

Result RunListListings(Context& context) {
  TW_ASSIGN_OR_RETURN(Connection* const connection, context.Connect({.needs = Needs::kListings}));
  v1::ListListingsResponse response;
  TW_RETURN_IF_ERROR(Get(*connection->api, {"listings"}, {}, &response));
  Rows rows(context, "listings", ListingColumns(), "");
  for (const v1::Listing& listing : response.listings()) {
    rows.Add(listing, [&] { return ListingCells(listing); });
  }
  TW_RETURN_IF_ERROR(rows.End());
  return Exit::kOk;
}

}  // namespace tallywire
