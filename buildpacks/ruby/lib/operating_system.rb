# Read by RubyGems when Ruby starts. The standard library lies in the app's folder and is found by RUBYLIB, whose folders come before
# those of gems; marked like this they come behind them, as the standard library does at its usual place.
first = $LOAD_PATH.index { |path| path.start_with?("#{RbConfig::TOPDIR}/") }
if first
  $LOAD_PATH[first] = String.new($LOAD_PATH[first]).tap { |path| path.instance_variable_set(:@gem_prelude_index, true) }
end
