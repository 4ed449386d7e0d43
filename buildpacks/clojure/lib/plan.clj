;; What to run of an app with deps.edn: options of `clojure` for `build` or `run` (the argument), or nothing.
(ns plan
  (:require [clojure.edn :as edn]
            [clojure.java.io :as io]
            [clojure.string :as string]))

(def ^:private aliases (:aliases (edn/read-string {:default tagged-literal} (slurp "deps.edn"))))

(defn- by-alias
  "Options that run what an alias itself says."
  [name]
  (let [{:keys [exec-fn main-opts]} (get aliases name)]
    (cond
      exec-fn (str "-X" name)
      main-opts (str "-M" name))))

(defn- function-of
  "The function of the namespace, in the project's folder, that makes a jar with all packages."
  [space]
  (let [path (string/replace (string/replace (str space) "." "/") "-" "_")
        file (io/file (str path ".clj"))]
    (when (.exists file)
      (second (re-find #"\(defn\s+(?:\^\S+\s+)*(uber|uberjar)\s" (slurp file))))))

(defn- by-tool
  "The alias :build, as the guide of tools.build has it."
  []
  (when-let [{:keys [ns-default exec-fn]} (:build aliases)]
    (let [function (function-of (or ns-default 'build))]
      (cond
        exec-fn "-T:build"
        (and ns-default function) (str "-T:build " function)
        function (str "-T:build build/" function)))))

(println
 (or (case (first *command-line-args*)
       "build" (or (by-tool) (some by-alias [:build :uberjar :uberdeps :depstar]))
       "run" (some by-alias [:web :run :run-m :run-x :main :start]))
     ""))
