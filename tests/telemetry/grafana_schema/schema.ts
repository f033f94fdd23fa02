// Grafana's types for a dashboard, narrowed to what this one uses.
import type * as grafana from "@grafana/schema";
import type * as stat from "@grafana/schema/dist/esm/raw/composable/stat/panelcfg/x/StatPanelCfg_types.gen";
import type * as timeseries from "@grafana/schema/dist/esm/raw/composable/timeseries/panelcfg/x/TimeSeriesPanelCfg_types.gen";

// In JSON an enum is written as the value of a member.
type Json<T> = T extends string
  ? `${T}`
  : T extends readonly (infer Item)[]
    ? Json<Item>[]
    : T extends object
      ? { [Key in keyof T]: Json<T[Key]> }
      : T;

// Grafana does not type a panel's options and queries, and its Prometheus data source publishes no types.
type Query = grafana.DataQuery & { editorMode: "code"; expr: string; legendFormat: string; range: boolean };
type PanelOf<Type extends string, Options, Custom> = Omit<
  grafana.Panel,
  "type" | "options" | "targets" | "fieldConfig"
> & {
  type: Type;
  options: Partial<Options>;
  targets: Query[];
  fieldConfig: Omit<grafana.FieldConfigSource, "defaults"> & {
    defaults: Omit<grafana.FieldConfig, "custom"> & { custom?: Custom };
  };
};
type Panel =
  | grafana.RowPanel
  | PanelOf<"stat", stat.Options, never>
  | PanelOf<"timeseries", timeseries.Options, timeseries.FieldConfig>;

export type Dashboard = Json<Omit<grafana.Dashboard, "panels"> & { panels: Panel[] }>;
